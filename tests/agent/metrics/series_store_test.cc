#include "agent/metrics/series_store.h"

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

CanonicalSeries spelled(const std::string& text) { return {text, 0, true}; }

TEST_CASE(
    "a reference names nothing once its series is removed, even when the place is taken again") {
  PushLimits limits;
  SeriesStore store(limits);
  const auto ref = store.ref(store.add(spelled("a"), 0, 0));
  REQUIRE(store.holds(ref));
  store.remove(ref.slot);
  CHECK_FALSE(store.holds(ref));
  REQUIRE(store.add(spelled("b"), 0, 0) == ref.slot);
  CHECK_FALSE(store.holds(ref));
}

TEST_CASE("an alias never reaches a removed series") {
  PushLimits limits;
  SeriesStore store(limits);
  const auto slot = store.add(spelled("a_total"), 0, 0);
  store.remember("a", slot);
  REQUIRE(store.find("a") == slot);
  store.remove(slot);
  CHECK(store.find("a") == SeriesStore::kNone);
  REQUIRE(store.add(spelled("b_total"), 0, 0) == slot);
  CHECK(store.find("a") == SeriesStore::kNone);
}

TEST_CASE("aliases are bounded: a full cache is emptied, the series stay") {
  PushLimits limits;
  limits.alias_bytes = 1000;
  SeriesStore store(limits);
  const auto slot = store.add(spelled("a_total"), 0, 0);
  for (int i = 0; i < 100; ++i) store.remember("spelling " + std::to_string(i), slot);
  CHECK(store.find("spelling 0") == SeriesStore::kNone);
  CHECK(store.find("spelling 99") == slot);
  CHECK(store.find("a_total") == slot);
}

}  // namespace
}  // namespace sidemeter
