#include "agent/metrics/own_values.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sidemeter {

std::size_t OwnValues::place(std::uint32_t writer) const {
  const auto at = std::partition_point(values_.begin(), values_.end(),
                                       [&](const Value& own) { return own.writer < writer; });
  return static_cast<std::size_t>(at - values_.begin());
}

bool OwnValues::has(std::uint32_t writer) const {
  const auto at = place(writer);
  return at < values_.size() && values_[at].writer == writer;
}

double& OwnValues::of(std::uint32_t writer, std::uint64_t arrival) {
  const auto at = place(writer);
  if (at == values_.size() || values_[at].writer != writer) {
    values_.insert(values_.begin() + static_cast<std::ptrdiff_t>(at), {writer, 0, arrival});
  }
  values_[at].arrival = arrival;
  return values_[at].value;
}

void OwnValues::leave(std::uint32_t writer, GaugeMode mode) {
  const auto at = place(writer);
  assert(at < values_.size() && values_[at].writer == writer);
  if (mode.life == GaugeMode::Life::kStays) {
    departed_ = departed_ ? folded(*departed_, values_[at], mode.rule) : values_[at];
  }
  values_.erase(values_.begin() + static_cast<std::ptrdiff_t>(at));
}

OwnValues::Value OwnValues::folded(const Value& one, const Value& other, GaugeMode::Rule rule) {
  switch (rule) {
    case GaugeMode::Rule::kSum: return {0, one.value + other.value, 0};
    case GaugeMode::Rule::kMin: return {0, std::fmin(one.value, other.value), 0};
    case GaugeMode::Rule::kMax: return {0, std::fmax(one.value, other.value), 0};
    default: return one.arrival > other.arrival ? one : other;
  }
}

double OwnValues::gathered(GaugeMode::Rule rule) const {
  assert(!empty());
  auto result = departed_;
  for (const auto& value : values_) result = result ? folded(*result, value, rule) : value;
  return result->value;
}

}  // namespace sidemeter
