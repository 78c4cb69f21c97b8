#include "proto/gauge_mode.h"

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

using Rule = GaugeMode::Rule;
using Life = GaugeMode::Life;

TEST_CASE("every mode is read as it is written") {
  const std::pair<const char*, GaugeMode> modes[] = {
      {"last", {Rule::kLast, Life::kStays}},
      {"sum", {Rule::kSum, Life::kStays}},
      {"min", {Rule::kMin, Life::kStays}},
      {"max", {Rule::kMax, Life::kStays}},
      {"mostrecent", {Rule::kMostRecent, Life::kStays}},
      {"all", {Rule::kAll, Life::kStays}},
      {"livesum", {Rule::kSum, Life::kLeaves}},
      {"livemin", {Rule::kMin, Life::kLeaves}},
      {"livemax", {Rule::kMax, Life::kLeaves}},
      {"livemostrecent", {Rule::kMostRecent, Life::kLeaves}},
      {"liveall", {Rule::kAll, Life::kLeaves}},
  };
  for (const auto& [name, mode] : modes) {
    const auto read = parse_mode(name);
    REQUIRE(read);
    CHECK(*read == mode);
    CHECK(word(mode) == name);
  }
}

TEST_CASE("another word is refused, and is told") {
  for (const char* name : {"", "live", "livelast", "SUM", "liveliest", "sum "}) {
    const auto refused = parse_mode(name);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().reason == Reason::kBadValue);
    CHECK(refused.error().message.ends_with("got \"" + std::string(name) + "\""));
  }
}

}  // namespace
}  // namespace sidemeter
