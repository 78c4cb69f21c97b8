#include "agent/metrics/label_set.h"

#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

TEST_CASE("the order of labels makes no other series") {
  Metrics metrics;
  CHECK(metrics.apply("c x{b=\"2\",a=\"1\"} 1") == "");
  CHECK(metrics.apply("c x{a=\"1\",b=\"2\"} 1") == "");
  CHECK(metrics.apply("c x_total{ a = \"1\" , b=\"2\", } 1") == "");
  CHECK(metrics.render() == "# TYPE x_total counter\nx_total{a=\"1\",b=\"2\"} 3.0\n");
}

TEST_CASE("a label given twice is refused") {
  Metrics metrics;
  CHECK(metrics.apply("g x{a=\"1\",a=\"1\"} 1") == "bad_label");
}

TEST_CASE("le on a histogram and quantile on a summary are refused") {
  Metrics metrics;
  CHECK(metrics.apply("h x{le=\"1\"} 1") == "bad_label");
  CHECK(metrics.apply("s y{quantile=\"1\"} 1") == "bad_label");
  CHECK(metrics.apply("c z{le=\"1\",quantile=\"2\"} 1") == "");
}

TEST_CASE("two label names that escape alike are refused") {
  Metrics metrics;
  CHECK(metrics.apply("g x{\"l.x\"=\"1\",l_x=\"2\"} 1") == "bad_label");
}

TEST_CASE("behaviour 15: le stands among the labels by name") {
  Metrics metrics;
  CHECK(metrics.apply("# BUCKETS x 1") == "");
  CHECK(metrics.apply("h x{a=\"1\",z=\"2\"} 0.5") == "");
  CHECK(metrics.apply("h x{a=\"1\"} 0.5") == "");
  CHECK(metrics.apply("h x{z=\"1\"} 0.5") == "");
  CHECK(metrics.apply("h x 0.5") == "");
  const auto text = metrics.render({.sample_names = {"x_bucket"}});
  CHECK(text ==
        "# TYPE x histogram\n"
        "x_bucket{a=\"1\",le=\"1.0\",z=\"2\"} 1.0\nx_bucket{a=\"1\",le=\"+Inf\",z=\"2\"} 1.0\n"
        "x_bucket{a=\"1\",le=\"1.0\"} 1.0\nx_bucket{a=\"1\",le=\"+Inf\"} 1.0\n"
        "x_bucket{le=\"1.0\",z=\"1\"} 1.0\nx_bucket{le=\"+Inf\",z=\"1\"} 1.0\n"
        "x_bucket{le=\"1.0\"} 1.0\nx_bucket{le=\"+Inf\"} 1.0\n");
}

// The reference writes a_b: a label name has no colon.
TEST_CASE("a stateset's own label is escaped as a label, though its name may hold a colon") {
  Metrics metrics;
  CHECK(metrics.apply("# STATES a:b on") == "");
  CHECK(metrics.apply("e a:b on") == "");
  CHECK(metrics.render() == "# TYPE a:b gauge\na:b{a_b=\"on\"} 1.0\n");
}

}  // namespace
}  // namespace sidemeter
