#include "agent/metrics/exposition.h"

#include <algorithm>

#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

TEST_CASE("behaviour 15: families in order of registration, series in order of creation") {
  Metrics metrics;
  for (const char* record : {"g b 1", "g a{i=\"2\"} 1", "g a{i=\"1\"} 1", "g b 2"}) {
    CHECK(metrics.apply(record) == "");
  }
  CHECK(metrics.render() ==
        "# TYPE b gauge\nb 2.0\n# TYPE a gauge\na{i=\"2\"} 1.0\na{i=\"1\"} 1.0\n");
}

TEST_CASE("behaviour 11: only samples with a listed name are kept, with UNIT") {
  Metrics metrics;
  CHECK(metrics.apply("# UNIT x_seconds seconds") == "");
  CHECK(metrics.apply("s x_seconds 2") == "");
  CHECK(metrics.apply("c y 1") == "");
  const auto render = [&](Format format, std::vector<std::string> names) {
    return metrics.render({.format = format, .sample_names = std::move(names)});
  };
  CHECK(render(Format::kOpenMetrics, {"x_seconds_sum"}) ==
        "# TYPE x_seconds summary\n# UNIT x_seconds seconds\nx_seconds_sum 2.0\n# EOF\n");
  CHECK(render(Format::kText004, {"y_total"}) == "# TYPE y_total counter\ny_total 1.0\n");
  CHECK(render(Format::kText004, {"y"}).empty());
  CHECK(render(Format::kOpenMetrics, {"nothing"}) == "# EOF\n");
}

TEST_CASE("behaviour 20: created samples stand inline in OpenMetrics, in own families in text") {
  Metrics metrics;
  CHECK(metrics.apply("# HELP x Things.") == "");
  CHECK(metrics.apply("c x{i=\"1\"} 1") == "");
  CHECK(metrics.apply("c x{i=\"2\"} 1") == "");
  CHECK(metrics.render({.created = CreatedSamples::kOn, .sample_names = {}}) ==
        "# HELP x_total Things.\n# TYPE x_total counter\n"
        "x_total{i=\"1\"} 1.0\nx_total{i=\"2\"} 1.0\n"
        "# HELP x_created Things.\n# TYPE x_created gauge\n"
        "x_created{i=\"1\"} 1.7e+09\nx_created{i=\"2\"} 1.7e+09\n");
  CHECK(metrics.render(
            {.format = Format::kOpenMetrics, .created = CreatedSamples::kOn, .sample_names = {}}) ==
        "# HELP x Things.\n# TYPE x counter\n"
        "x_total{i=\"1\"} 1.0\nx_created{i=\"1\"} 1.7e+09\n"
        "x_total{i=\"2\"} 1.0\nx_created{i=\"2\"} 1.7e+09\n# EOF\n");
}

// Everything that can happen to the registry between two slices.
TEST_CASE("behaviour 22: no series comes twice though series go and come between slices") {
  Metrics metrics;
  constexpr int kSeries = 20'000;
  const auto record = [](const char* verb, int i) {
    return std::string(verb) + " x{i=\"" + std::to_string(i) + "\"}";
  };
  for (int i = 0; i < kSeries; ++i) REQUIRE(metrics.apply(record("c", i)) == "");
  Exposition exposition(metrics.registry, {});
  std::string out;
  int removed = 0;
  while (exposition.next(out) == Exposition::State::kMore) {
    // Gone and made again, before and behind the place that is being rendered.
    for (const int i : {removed, kSeries - 1 - removed, kSeries / 2 + removed}) {
      REQUIRE(metrics.apply(record("x", i)) == "");
      REQUIRE(metrics.apply(record("c", i)) == "");
    }
    ++removed;
  }
  REQUIRE(removed > 3);
  std::size_t lines = 0;
  std::vector<int> seen(kSeries);
  for (std::size_t at = out.find("x_total{"); at != std::string::npos;
       at = out.find("x_total{", at + 1)) {
    ++seen[static_cast<std::size_t>(std::stoi(out.substr(at + 11)))];
    ++lines;
  }
  CHECK(std::all_of(seen.begin(), seen.end(), [](int times) { return times <= 1; }));
  CHECK(lines >= static_cast<std::size_t>(kSeries - 3 * removed));
}

TEST_CASE("behaviour 22: a histogram longer than a slice is never torn") {
  Metrics metrics;
  metrics.limits.labels_per_series = 32;
  std::string bounds = "# BUCKETS x";
  for (int i = 1; i <= 100; ++i) bounds += " " + std::to_string(i);
  REQUIRE(metrics.apply(bounds) == "");
  const std::string series = "h x{l=\"" + std::string(2000, 'v') + "\"} 0.5";
  REQUIRE(metrics.apply(series) == "");
  Exposition exposition(metrics.registry, {});
  std::string out;
  REQUIRE(exposition.next(out) == Exposition::State::kMore);
  REQUIRE(metrics.apply(series) == "");
  REQUIRE(metrics.apply("clear x") == "");
  REQUIRE(metrics.apply("# BUCKETS x 5") == "");
  while (exposition.next(out) == Exposition::State::kMore) {
  }
  std::size_t ones = 0;
  for (std::size_t at = out.find("} 1.0\n"); at != std::string::npos;
       at = out.find("} 1.0\n", at + 1))
    ++ones;
  CHECK(ones == 102);  // 101 buckets and the count, all of the first observation
}

TEST_CASE("a slice is about 64 KiB, however long the exposition") {
  Metrics metrics;
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(metrics.apply("g x{i=\"" + std::to_string(i) + "\"} 1") == "");
  }
  Exposition exposition(metrics.registry, {});
  std::string out;
  for (bool more = true; more;) {
    out.clear();
    more = exposition.next(out) == Exposition::State::kMore;
    CHECK(out.size() < kSliceBytes + 1024);
  }
}

}  // namespace
}  // namespace sidemeter
