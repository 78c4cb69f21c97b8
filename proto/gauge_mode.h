// How the values that many processes keep of one gauge make what is exposed
// (PROTOCOL.md, "Gauge modes").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/result.h"

namespace sidemeter {

struct GaugeMode {
  enum class Rule : std::uint8_t {
    kLast,  // one value, whoever wrote it
    kSum,   // each session has a value of its own; what is exposed is their sum, …
    kMin,
    kMax,
    kMostRecent,  // … or the one that arrived last
    kAll,         // one series a process, with the label `pid`
  };

  // What becomes of a session's value when the session closes.
  enum class Life : std::uint8_t {
    kStays,
    kLeaves,  // "live…"
  };

  Rule rule = Rule::kLast;
  Life life = Life::kStays;

  friend bool operator==(GaugeMode, GaugeMode) = default;
};

// Whether a series of this mode gathers values that sessions keep of their own.
constexpr bool gathers(GaugeMode mode) {
  return mode.rule != GaugeMode::Rule::kLast && mode.rule != GaugeMode::Rule::kAll;
}

// The word of `# MODE`: "last", "sum", "livesum".
std::string word(GaugeMode mode);

// Reason: kBadValue.
Result<GaugeMode> parse_mode(std::string_view word);

}  // namespace sidemeter
