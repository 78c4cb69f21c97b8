#include "agent/metrics/own_values.h"

#include <cmath>

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

using Rule = GaugeMode::Rule;
constexpr GaugeMode::Life kStays = GaugeMode::Life::kStays;
constexpr GaugeMode::Life kLeaves = GaugeMode::Life::kLeaves;

OwnValues three() {
  OwnValues values;
  values.of(2, 1) = 5;
  values.of(9, 2) = -1;
  values.of(4, 3) = 2;
  return values;
}

TEST_CASE("each rule gathers the values of all writers") {
  const auto values = three();
  CHECK(values.gathered(Rule::kSum) == 6);
  CHECK(values.gathered(Rule::kMin) == -1);
  CHECK(values.gathered(Rule::kMax) == 5);
  CHECK(values.gathered(Rule::kMostRecent) == 2);
}

TEST_CASE("a writer has one value, which begins at 0") {
  OwnValues values;
  CHECK_FALSE(values.has(7));
  values.of(7, 1) += 2;
  values.of(7, 2) += 3;
  CHECK(values.has(7));
  CHECK(values.size() == 1);
  CHECK(values.gathered(Rule::kSum) == 5);
}

TEST_CASE("what a writer that has left had stays, folded into one") {
  for (const auto rule : {Rule::kSum, Rule::kMin, Rule::kMax, Rule::kMostRecent}) {
    auto values = three();
    const double before = values.gathered(rule);
    for (const std::uint32_t writer : {9u, 2u, 4u}) {
      values.leave(writer, {rule, kStays});
      CHECK(values.gathered(rule) == before);
    }
    CHECK(values.size() == 0);
    CHECK_FALSE(values.empty());
  }
}

TEST_CASE("the most recent value is the last one that arrived, whoever has left since") {
  auto values = three();
  values.of(2, 4) = 7;
  values.leave(2, {Rule::kMostRecent, kStays});
  CHECK(values.gathered(Rule::kMostRecent) == 7);
  values.of(9, 5) = 8;
  CHECK(values.gathered(Rule::kMostRecent) == 8);
}

TEST_CASE("a live value goes with its writer, until nothing is left") {
  auto values = three();
  values.leave(2, {Rule::kMax, kLeaves});
  CHECK(values.gathered(Rule::kMax) == 2);
  values.leave(4, {Rule::kMax, kLeaves});
  CHECK(values.gathered(Rule::kMax) == -1);
  values.leave(9, {Rule::kMax, kLeaves});
  CHECK(values.empty());
}

TEST_CASE("NaN is neither the least nor the greatest while there is a number") {
  OwnValues values;
  values.of(1, 1) = NAN;
  CHECK(std::isnan(values.gathered(Rule::kMin)));
  values.of(2, 2) = 3;
  CHECK(values.gathered(Rule::kMin) == 3);
  CHECK(values.gathered(Rule::kMax) == 3);
  CHECK(std::isnan(values.gathered(Rule::kSum)));
}

}  // namespace
}  // namespace sidemeter
