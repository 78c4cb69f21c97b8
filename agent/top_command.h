// `sidemeter top`: the metric families of an agent by their series and by their records a second.
// On a terminal it is drawn anew until it is interrupted; elsewhere it is printed once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/inquiry.h"
#include "agent/streams.h"

namespace sidemeter {

struct TopRequest {
  Contact contact;
  std::uint64_t interval_ms = 2'000;  // over which rates are taken
  enum class Order : std::uint8_t { kRecords, kSeries } order = Order::kRecords;
  enum class Times : std::uint8_t { kOnce, kWhileTerminal } times = Times::kWhileTerminal;
};

// The table of two listings that were taken `seconds` apart, the first in `order` first; at most
// `lines` lines.
std::string format_top(const std::vector<ListedFields>& before,
                       const std::vector<ListedFields>& now, double seconds,
                       TopRequest::Order order, std::size_t lines);

// Answers with the exit status: 0, or 2 if the agent cannot be reached or refuses to tell.
int top(const TopRequest& request, const Streams& streams);

}  // namespace sidemeter
