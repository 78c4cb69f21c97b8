#include "agent/metrics/series_value.h"

#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

TEST_CASE("a counter adds, and refuses to go down") {
  Metrics metrics;
  CHECK(metrics.apply("c x") == "");
  CHECK(metrics.apply("c x 2.5") == "");
  CHECK(metrics.apply("c x -1") == "negative_counter");
  CHECK(metrics.apply("c x NaN") == "bad_value");
  CHECK(metrics.apply("c x Inf") == "bad_value");
  CHECK(metrics.render() == "# TYPE x_total counter\nx_total 3.5\n");
}

TEST_CASE("a gauge is set, added to and subtracted from") {
  Metrics metrics;
  CHECK(metrics.apply("g x 10") == "");
  CHECK(metrics.apply("g x +=2") == "");
  CHECK(metrics.apply("g x -=0.5") == "");
  CHECK(metrics.apply("g y NaN") == "");
  CHECK(metrics.render() == "# TYPE x gauge\nx 11.5\n# TYPE y gauge\ny NaN\n");
}

TEST_CASE("behaviour 16: buckets are cumulative, then +Inf, count and sum") {
  Metrics metrics;
  CHECK(metrics.apply("# BUCKETS x 1 2") == "");
  CHECK(metrics.apply("h x 0.5 1 1.5*2 7") == "");
  CHECK(metrics.render() ==
        "# TYPE x histogram\nx_bucket{le=\"1.0\"} 2.0\nx_bucket{le=\"2.0\"} 4.0\n"
        "x_bucket{le=\"+Inf\"} 5.0\nx_count 5.0\nx_sum 11.5\n");
}

TEST_CASE("behaviour 16: no sum where the first bound is negative") {
  Metrics metrics;
  CHECK(metrics.apply("# BUCKETS x -1 1") == "");
  CHECK(metrics.apply("h x 0") == "");
  CHECK(metrics.render() ==
        "# TYPE x histogram\nx_bucket{le=\"-1.0\"} 0.0\nx_bucket{le=\"1.0\"} 1.0\n"
        "x_bucket{le=\"+Inf\"} 1.0\nx_count 1.0\n");
}

TEST_CASE("counts aggregated by the sender are merged") {
  Metrics metrics;
  CHECK(metrics.apply("m x 1 1 1") == "type_conflict");
  CHECK(metrics.apply("# TYPE x histogram") == "");
  CHECK(metrics.apply("# BUCKETS x 1") == "");
  CHECK(metrics.apply("m x 3.5 1 2") == "");
  CHECK(metrics.apply("m x 3.5 1") == "bad_value");
  CHECK(metrics.apply("m x 3.5 1 2 3") == "bad_value");
  CHECK(metrics.apply("# TYPE s summary") == "");
  CHECK(metrics.apply("m s 2.5 4") == "");
  CHECK(metrics.render() ==
        "# TYPE x histogram\nx_bucket{le=\"1.0\"} 1.0\nx_bucket{le=\"+Inf\"} 3.0\nx_count 3.0\n"
        "x_sum 3.5\n# TYPE s summary\ns_count 4.0\ns_sum 2.5\n");
}

TEST_CASE("behaviour 25: a stateset knows its states") {
  Metrics metrics;
  CHECK(metrics.apply("e job running") == "unknown_state");
  CHECK(metrics.apply("# TYPE job stateset") == "");
  CHECK(metrics.apply("# STATES job starting running") == "");
  CHECK(metrics.apply("e job running") == "");
  CHECK(metrics.apply("e job stopped") == "unknown_state");
  CHECK(metrics.render() ==
        "# TYPE job gauge\njob{job=\"starting\"} 0.0\njob{job=\"running\"} 1.0\n");
}

TEST_CASE("a verb of another type is refused") {
  Metrics metrics;
  CHECK(metrics.apply("c x 1") == "");
  CHECK(metrics.apply("h x 1") == "type_conflict");
  CHECK(metrics.apply("g x_total 1") == "type_conflict");
}

TEST_CASE("behaviour 19: a family declared unknown takes g and shows as untyped") {
  Metrics metrics;
  CHECK(metrics.apply("# TYPE x unknown") == "");
  CHECK(metrics.apply("g x 1") == "");
  CHECK(metrics.render() == "# TYPE x untyped\nx 1.0\n");
  CHECK(metrics.open_metrics() == "# TYPE x unknown\nx 1.0\n# EOF\n");
}

}  // namespace
}  // namespace sidemeter
