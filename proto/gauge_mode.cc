#include "proto/gauge_mode.h"

#include <array>

namespace sidemeter {
namespace {

constexpr std::string_view kLive = "live";

// In the order of the enumeration.
constexpr std::array<std::string_view, 6> kRuleWords = {"last", "sum",        "min",
                                                        "max",  "mostrecent", "all"};

}  // namespace

std::string word(GaugeMode mode) {
  std::string name(mode.life == GaugeMode::Life::kLeaves ? kLive : "");
  return name.append(kRuleWords[static_cast<std::size_t>(mode.rule)]);
}

Result<GaugeMode> parse_mode(std::string_view name) {
  const bool live = name.starts_with(kLive);
  const auto rule = live ? name.substr(kLive.size()) : name;
  for (std::size_t i = 0; i < kRuleWords.size(); ++i) {
    // One value for all is nobody's, so that it leaves with nobody.
    if (rule != kRuleWords[i] || (live && i == 0)) continue;
    return GaugeMode{static_cast<GaugeMode::Rule>(i),
                     live ? GaugeMode::Life::kLeaves : GaugeMode::Life::kStays};
  }
  return Error{Reason::kBadValue,
               "a gauge mode is last, sum, min, max, mostrecent or all, and all but last may have "
               "\"live\" before it, got \"" +
                   std::string(name) + "\""};
}

}  // namespace sidemeter
