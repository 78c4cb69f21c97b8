#include "agent/metrics/family_table.h"

#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

TEST_CASE("a family whose samples would collide is refused") {
  Metrics metrics;
  CHECK(metrics.apply("h x 1") == "");
  CHECK(metrics.apply("c x_count 1") == "name_collision");
  CHECK(metrics.apply("g x_count 1") == "name_collision");
  CHECK(metrics.apply("g x_sum 1") == "name_collision");
  CHECK(metrics.apply("g x_bucket 1") == "name_collision");
  CHECK(metrics.apply("g x_created 1") == "name_collision");
}

TEST_CASE("a collision is found whichever comes first") {
  Metrics metrics;
  CHECK(metrics.apply("g x_count 1") == "");
  CHECK(metrics.apply("h x 1") == "name_collision");
  CHECK(metrics.apply("g y_total 1") == "");
  CHECK(metrics.apply("c y 1") == "name_collision");
}

TEST_CASE("two names that escape alike collide") {
  Metrics metrics;
  CHECK(metrics.apply("g {\"a.b\"} 1") == "");
  CHECK(metrics.apply("g a_b 1") == "name_collision");
  CHECK(metrics.apply("g {\"a b\"} 1") == "name_collision");
}

TEST_CASE("a declaration before the type is known is adopted by the first use") {
  Metrics metrics;
  CHECK(metrics.apply("# HELP x_total Things.") == "");
  CHECK(metrics.apply("c x 1") == "");
  CHECK(metrics.apply("# HELP y Others.") == "");
  CHECK(metrics.apply("c y_total 1") == "");
  CHECK(metrics.render() ==
        "# HELP x_total Things.\n# TYPE x_total counter\nx_total 1.0\n"
        "# HELP y_total Others.\n# TYPE y_total counter\ny_total 1.0\n");
}

TEST_CASE("families are limited, and a refused one leaves no trace") {
  Metrics metrics;
  metrics.limits.families = 2;
  CHECK(metrics.apply("c a 1") == "");
  CHECK(metrics.apply("# TYPE b gauge") == "");
  CHECK(metrics.apply("c d 1") == "family_limit");
  CHECK(metrics.registry.counts().families == 2);
  CHECK(metrics.apply("c a 1") == "");
}

}  // namespace
}  // namespace sidemeter
