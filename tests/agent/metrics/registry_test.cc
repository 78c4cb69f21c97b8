#include "agent/metrics/registry.h"

#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

TEST_CASE("the same declaration is free, another is refused once there are series") {
  Metrics metrics;
  CHECK(metrics.apply("# TYPE x histogram") == "");
  CHECK(metrics.apply("# BUCKETS x 1 2") == "");
  CHECK(metrics.apply("# BUCKETS x 1 3") == "");  // no series yet
  CHECK(metrics.apply("h x 1") == "");
  CHECK(metrics.apply("# BUCKETS x 1 3 +Inf") == "");
  CHECK(metrics.apply("# BUCKETS x 1 2") == "declaration_conflict");
  CHECK(metrics.apply("# TYPE x gauge") == "declaration_conflict");  // it has buckets
  CHECK(metrics.apply("# UNIT x seconds") == "declaration_conflict");
  CHECK(metrics.apply("g y 1") == "");
  CHECK(metrics.apply("# TYPE y counter") == "type_conflict");
  CHECK(metrics.apply("# TYPE y gauge") == "");
  CHECK(metrics.apply("# MODE y last") == "");
}

TEST_CASE("HELP may change, the last one wins") {
  Metrics metrics;
  CHECK(metrics.apply("# HELP x One.") == "");
  CHECK(metrics.apply("g x 1") == "");
  CHECK(metrics.apply("# HELP x Two.") == "");
  CHECK(metrics.render() == "# HELP x Two.\n# TYPE x gauge\nx 1.0\n");
}

TEST_CASE("series in all are limited: one at the limit, none past it, the others go on") {
  Metrics metrics;
  metrics.limits.series = 2;
  CHECK(metrics.apply("c x{i=\"1\"} 1") == "");
  CHECK(metrics.apply("c x{i=\"2\"} 1") == "");
  CHECK(metrics.apply("c x{i=\"3\"} 1") == "series_limit");
  CHECK(metrics.apply("c new 1") == "series_limit");
  CHECK(metrics.apply("c x{i=\"1\"} 1") == "");
  CHECK(metrics.render() == "# TYPE x_total counter\nx_total{i=\"1\"} 2.0\nx_total{i=\"2\"} 1.0\n");
  CHECK(metrics.registry.counts().families == 1);
}

TEST_CASE("series of one family are limited") {
  Metrics metrics;
  metrics.limits.series_per_family = 1;
  CHECK(metrics.apply("c x{i=\"1\"} 1") == "");
  CHECK(metrics.apply("c x{i=\"2\"} 1") == "series_limit");
  CHECK(metrics.apply("c y 1") == "");
  CHECK(metrics.apply("x x{i=\"1\"}") == "");
  CHECK(metrics.apply("c x{i=\"2\"} 1") == "");
}

TEST_CASE("remove takes one series, clear takes all of a family") {
  Metrics metrics;
  CHECK(metrics.apply("c x{i=\"1\"} 1") == "");
  CHECK(metrics.apply("c x{i=\"2\"} 1") == "");
  CHECK(metrics.apply("c x{i=\"3\"} 1") == "");
  CHECK(metrics.apply("x x_total{i=\"2\"}") == "");
  CHECK(metrics.render() == "# TYPE x_total counter\nx_total{i=\"1\"} 1.0\nx_total{i=\"3\"} 1.0\n");
  CHECK(metrics.apply("clear x") == "");
  CHECK(metrics.render() == "# TYPE x_total counter\n");
  CHECK(metrics.registry.counts().series == 0);
  CHECK(metrics.apply("x x{i=\"2\"}") == "");
  CHECK(metrics.apply("clear nothing") == "");
}

TEST_CASE("a removed series begins anew") {
  Metrics metrics;
  CHECK(metrics.apply("c x 5") == "");
  CHECK(metrics.apply("x x") == "");
  CHECK(metrics.apply("c x 1") == "");
  CHECK(metrics.render() == "# TYPE x_total counter\nx_total 1.0\n");
}

TEST_CASE("a unit is appended to the name, and both names reach the family") {
  Metrics metrics;
  CHECK(metrics.apply("# UNIT x seconds") == "");
  CHECK(metrics.apply("c x 1") == "");
  CHECK(metrics.apply("c x_seconds_total 1") == "");
  CHECK(metrics.apply("c x_seconds 1") == "");
  CHECK(metrics.open_metrics() ==
        "# TYPE x_seconds counter\n# UNIT x_seconds seconds\nx_seconds_total 3.0\n# EOF\n");
}

TEST_CASE("the agent's own families are closed to peers and count against no limit") {
  Metrics metrics;
  metrics.limits.series = 0;
  Writer agent(metrics.registry, Writer::Kind::kAgent);
  REQUIRE(metrics.registry.update({Verb::kGauge, "sidemeter_x", "1"}, agent));
  CHECK(metrics.apply("g sidemeter_x 2") == "name_collision");
  CHECK(metrics.apply("x sidemeter_x") == "name_collision");
  CHECK(metrics.apply("clear sidemeter_x") == "name_collision");
  CHECK(metrics.apply("# HELP sidemeter_x Mine.") == "name_collision");
  CHECK(metrics.render() == "# TYPE sidemeter_x gauge\nsidemeter_x 1.0\n");
}

TEST_CASE("a refused first use leaves no family behind") {
  Metrics metrics;
  CHECK(metrics.apply("g x{a=\"1\",a=\"2\"} 1") == "bad_label");
  CHECK(metrics.apply("h x{le=\"1\"} 1") == "bad_label");
  CHECK(metrics.registry.counts().families == 0);
  CHECK(metrics.apply("c x 1") == "");
}

}  // namespace
}  // namespace sidemeter
