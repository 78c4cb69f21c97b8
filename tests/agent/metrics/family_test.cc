#include "agent/metrics/family.h"

#include <algorithm>

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

FamilyDescription describe(const std::string& name, MetricType type) {
  FamilyDescription family;
  family.given = family.name = name;
  family.type = type;
  return family;
}

bool claims(const FamilyDescription& family, const std::string& name) {
  const auto names = claimed_names(family);
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST_CASE("a family claims the names of its samples") {
  const auto histogram = describe("x", MetricType::kHistogram);
  for (const char* name : {"x", "x_bucket", "x_sum", "x_count", "x_created"}) {
    CHECK(claims(histogram, name));
  }
  CHECK_FALSE(claims(histogram, "x_total"));
  CHECK(claims(describe("x", MetricType::kCounter), "x_total"));
  CHECK(claims(describe("x", MetricType::kInfo), "x_info"));
}

TEST_CASE("a name that is escaped claims what it becomes") {
  const auto gauge = describe("my.metric", MetricType::kGauge);
  CHECK(claims(gauge, "my_metric"));
  CHECK(claims(gauge, "U__my_2e_metric"));
}

TEST_CASE("behaviour 25: a unit is the name's suffix or is appended") {
  Declaration unit{.name = "x",
                   .type = {},
                   .help = {},
                   .unit = "seconds",
                   .buckets = {},
                   .mode = {},
                   .states = {}};
  CHECK(declared(describe("x", MetricType::kGauge), unit)->name == "x_seconds");
  CHECK(declared(describe("x_seconds", MetricType::kGauge), unit)->name == "x_seconds");
}

TEST_CASE("behaviour 25: info and stateset have no unit") {
  Declaration unit{.name = "x",
                   .type = {},
                   .help = {},
                   .unit = "seconds",
                   .buckets = {},
                   .mode = {},
                   .states = {}};
  for (const auto type : {MetricType::kInfo, MetricType::kStateset}) {
    const auto refused = declared(describe("x", type), unit);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().reason == Reason::kDeclarationConflict);
  }
}

TEST_CASE("a counter answers with and without _total") {
  const auto counter = describe("x", MetricType::kCounter);
  CHECK(answers_to(counter, "x"));
  CHECK(answers_to(counter, "x_total"));
  CHECK_FALSE(answers_to(counter, "x_created"));
}

}  // namespace
}  // namespace sidemeter
