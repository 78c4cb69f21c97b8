#include "agent/metrics/sample_writer.h"

#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

TEST_CASE("behaviour 17: label values and HELP are escaped, quotes in HELP only in OpenMetrics") {
  Metrics metrics;
  CHECK(metrics.apply(R"(# HELP x a \\ b \n "c")") == "");
  CHECK(metrics.apply(R"(g x{l="a\\b\nc\"d"} 1)") == "");
  CHECK(metrics.render() ==
        "# HELP x a \\\\ b \\n \"c\"\n# TYPE x gauge\n"
        "x{l=\"a\\\\b\\nc\\\"d\"} 1.0\n");
  CHECK(metrics.open_metrics() ==
        "# HELP x a \\\\ b \\n \\\"c\\\"\n# TYPE x gauge\n"
        "x{l=\"a\\\\b\\nc\\\"d\"} 1.0\n# EOF\n");
}

TEST_CASE("behaviour 19: text announces x_total and x_info, OpenMetrics the bare family") {
  Metrics metrics;
  CHECK(metrics.apply("c x 1") == "");
  CHECK(metrics.apply("i build{version=\"1\"}") == "");
  CHECK(metrics.render() ==
        "# TYPE x_total counter\nx_total 1.0\n"
        "# TYPE build_info gauge\nbuild_info{version=\"1\"} 1.0\n");
  CHECK(metrics.open_metrics() ==
        "# TYPE x counter\nx_total 1.0\n"
        "# TYPE build info\nbuild_info{version=\"1\"} 1.0\n# EOF\n");
}

TEST_CASE("behaviour 21: UTF-8 names by the four schemes") {
  Metrics metrics;
  CHECK(metrics.apply(R"(g {"my.metric","l.x"="v",ok="w"} 1)") == "");
  const auto text = [&](Escaping escaping) {
    return metrics.render({.format = Format::kText100, .escaping = escaping, .sample_names = {}});
  };
  CHECK(text(Escaping::kAllowUtf8) ==
        "# TYPE \"my.metric\" gauge\n{\"my.metric\",\"l.x\"=\"v\",ok=\"w\"} 1.0\n");
  CHECK(text(Escaping::kUnderscores) ==
        "# TYPE my_metric gauge\nmy_metric{l_x=\"v\",ok=\"w\"} 1.0\n");
  CHECK(text(Escaping::kDots) ==
        "# TYPE my_dot_metric gauge\nmy_dot_metric{l_dot_x=\"v\",ok=\"w\"} 1.0\n");
  CHECK(text(Escaping::kValues) ==
        "# TYPE U__my_2e_metric gauge\nU__my_2e_metric{U__l_2e_x=\"v\",ok=\"w\"} 1.0\n");
}

TEST_CASE("behaviour 19: exemplars stand in OpenMetrics only") {
  Metrics metrics;
  CHECK(metrics.apply("c x 1 # {trace_id=\"abc\"} 1 1700000000.0") == "");
  CHECK(metrics.render() == "# TYPE x_total counter\nx_total 1.0\n");
  CHECK(metrics.open_metrics() ==
        "# TYPE x counter\nx_total 1.0 # {trace_id=\"abc\"} 1.0 1700000000.0\n# EOF\n");
}

}  // namespace
}  // namespace sidemeter
