// The values that sessions keep of their own in one gauge series, and what they make together.
//
// Costs a value for each session that writes now, however many have written: those of closed
// sessions are folded into one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "proto/gauge_mode.h"

namespace sidemeter {

class OwnValues {
 public:
  bool has(std::uint32_t writer) const;

  // The value of this writer, which begins at 0. `arrival` rises from call to call.
  double& of(std::uint32_t writer, std::uint64_t arrival);

  // The writer is gone: its value is folded in or, where values of the mode are live, dropped.
  void leave(std::uint32_t writer, GaugeMode mode);

  // Neither a writer's value nor a folded one: there is nothing to expose.
  bool empty() const { return values_.empty() && !departed_; }
  std::size_t size() const { return values_.size(); }

  // What is exposed; of one that is not empty. NaN is the least of all by no rule: it shows
  // in min and max only where there is nothing else.
  double gathered(GaugeMode::Rule rule) const;

 private:
  struct Value {
    std::uint32_t writer;
    double value;
    std::uint64_t arrival;
  };

  static Value folded(const Value& one, const Value& other, GaugeMode::Rule rule);
  std::size_t place(std::uint32_t writer) const;

  std::vector<Value> values_;  // by rising writer
  std::optional<Value> departed_;
};

}  // namespace sidemeter
