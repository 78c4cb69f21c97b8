// Those who write now, and the `pid` label that each of them has alone.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "agent/metrics/writer.h"

namespace sidemeter {

class WriterTable {
 public:
  // Gives the writer a number that no other has now.
  void enter(Writer& writer);
  void leave(Writer& writer);

  // The writer with this number, or null: it has left.
  Writer* find(std::uint32_t id) const;

  // "4711"; where another one that writes now has that already "4711-2", so that two processes
  // of one number, in two containers, never share a series.
  const std::string& pid_label(Writer& writer);
  void release_pid_label(Writer& writer);

 private:
  std::uint32_t last_id_ = 0;
  std::unordered_map<std::uint32_t, Writer*> writers_;
  std::unordered_map<std::string, std::uint32_t> pid_labels_;
};

}  // namespace sidemeter
