// What all ingest sessions of an agent share: the registry they write into, the counts of what
// they said, and who they are.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>

#include "agent/metrics/registry.h"
#include "proto/limits.h"
#include "proto/record.h"

namespace sidemeter {

class IngestSession;

// What became of records, for the self metrics. Plain numbers that only grow.
struct IngestStats {
  std::array<std::uint64_t, kVerbCount> updates{};  // applied, by verb; by handle too
  std::uint64_t declarations = 0;
  std::uint64_t bindings = 0;
  std::uint64_t hellos = 0;
  std::uint64_t syncs = 0;
  std::uint64_t listings = 0;
  std::array<std::uint64_t, kReasonCount> rejected{};
};

// Outlives the sessions.
struct IngestRoom {
  Registry& registry;
  const PushLimits& limits;
  std::function<double()> now = [] { return 0.0; };  // monotonic, seconds
  uid_t owner = 0;                                   // the agent's own user: may ask, as root may
  IngestStats stats = {};
  std::map<std::uint64_t, const IngestSession*> sessions = {};  // open ones, by their number
  std::uint64_t last_session = 0;
};

}  // namespace sidemeter
