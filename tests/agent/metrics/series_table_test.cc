#include "agent/metrics/series_table.h"

#include <memory>

#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

// Sweeps until all series have been looked at.
void sweep(Metrics& metrics, std::uint64_t now_seconds) {
  while (metrics.registry.sweep(now_seconds) == Registry::Sweep::kMore) {
  }
}

std::uint64_t overflow(const Metrics& metrics, const std::string& family) {
  const auto found = metrics.registry.overflow().find(family);
  return found == metrics.registry.overflow().end() ? 0 : found->second;
}

TEST_CASE("a session may make so many series, one more is refused, and others do not notice") {
  Metrics metrics;
  metrics.limits.series_per_session = 2;
  Writer greedy(metrics.registry);
  Writer modest(metrics.registry);
  CHECK(metrics.apply("c x{i=\"1\"}", greedy) == "");
  CHECK(metrics.apply("c x{i=\"2\"}", greedy) == "");
  CHECK(metrics.apply("c x{i=\"3\"}", greedy) == "series_limit");
  CHECK(metrics.apply("c x{i=\"1\"}", greedy) == "");
  CHECK(metrics.apply("c x{i=\"3\"}", modest) == "");
  CHECK(metrics.apply("c x{i=\"3\"}", greedy) == "");
  CHECK(metrics.apply("x x{i=\"1\"}", modest) == "");
  CHECK(metrics.apply("c x{i=\"4\"}", greedy) == "");
  CHECK(overflow(metrics, "x") == 1);
}

TEST_CASE("values that sessions keep of their own are limited: at the limit, and one past it") {
  Metrics metrics;
  metrics.limits.gauge_values = 2;
  CHECK(metrics.apply("# MODE q sum") == "");
  Writer one(metrics.registry);
  Writer two(metrics.registry);
  auto three = std::make_unique<Writer>(metrics.registry);
  CHECK(metrics.apply("g q 1", one) == "");
  CHECK(metrics.apply("g q 2", *three) == "");
  CHECK(metrics.apply("g q 4", two) == "series_limit");
  CHECK(metrics.apply("g q{a=\"b\"} 4", two) == "series_limit");
  CHECK(metrics.apply("g q 8", one) == "");
  CHECK(metrics.render() == "# TYPE q gauge\nq 10.0\n");
  three.reset();
  CHECK(metrics.apply("g q 4", two) == "");
  CHECK(metrics.render() == "# TYPE q gauge\nq 14.0\n");
}

TEST_CASE("families that overflow are named, up to a number of them") {
  Metrics metrics;
  metrics.limits.series = 1;
  CHECK(metrics.apply("c x") == "");
  for (std::size_t i = 0; i < kMaxOverflowFamilies + 5; ++i) {
    CHECK(metrics.apply("g y" + std::to_string(i) + " 1") == "series_limit");
  }
  CHECK(metrics.apply("g y0 1") == "series_limit");
  CHECK(overflow(metrics, "y0") == 2);
  CHECK(overflow(metrics, "y99") == 1);
  CHECK(overflow(metrics, std::string(SeriesTable::kOtherFamilies)) == 5);
  CHECK(metrics.registry.overflow().size() == kMaxOverflowFamilies + 1);
}

TEST_CASE("a series that is not updated for its time is hidden, and goes on where it stood") {
  Metrics metrics;
  metrics.limits.series_idle_ms = 10'000;
  sweep(metrics, 1'000);
  CHECK(metrics.apply("c x 5") == "");
  CHECK(metrics.apply("c y 1") == "");
  sweep(metrics, 1'010);
  CHECK(metrics.apply("c y 1") == "");
  CHECK(metrics.render() ==
        "# TYPE x_total counter\nx_total 5.0\n# TYPE y_total counter\ny_total 2.0\n");

  sweep(metrics, 1'011);
  CHECK(metrics.render() == "# TYPE x_total counter\n# TYPE y_total counter\ny_total 2.0\n");
  CHECK(metrics.registry.counts().idle_series == 1);
  CHECK(metrics.apply("c x 1") == "");
  CHECK(metrics.render() ==
        "# TYPE x_total counter\nx_total 6.0\n# TYPE y_total counter\ny_total 2.0\n");
  CHECK(metrics.registry.counts().idle_series == 0);
}

TEST_CASE("a family's own time goes before the agent's, and may change") {
  Metrics metrics;
  metrics.limits.series_idle_ms = 10'000;
  sweep(metrics, 0);
  CHECK(metrics.apply("g never 1") == "");
  CHECK(metrics.apply("# TTL never 0") == "");
  CHECK(metrics.apply("g long 1") == "");
  CHECK(metrics.apply("# TTL long 1m") == "");
  sweep(metrics, 11);
  CHECK(metrics.registry.counts().idle_series == 0);
  sweep(metrics, 61);
  CHECK(metrics.render() == "# TYPE never gauge\nnever 1.0\n# TYPE long gauge\n");
  CHECK(metrics.apply("# TTL long 1h") == "");
  sweep(metrics, 62);
  CHECK(metrics.render() == "# TYPE never gauge\nnever 1.0\n# TYPE long gauge\nlong 1.0\n");
}

TEST_CASE("an idle series is kept until room is needed: in all, of a family, of a session") {
  for (const std::string limit : {"all", "family", "session"}) {
    Metrics metrics;
    metrics.limits.series_idle_ms = 1'000;
    if (limit == "all") metrics.limits.series = 2;
    if (limit == "family") metrics.limits.series_per_family = 2;
    if (limit == "session") metrics.limits.series_per_session = 2;
    Writer writer(metrics.registry);
    sweep(metrics, 0);
    CHECK(metrics.apply("c x{i=\"1\"}", writer) == "");
    CHECK(metrics.apply("c x{i=\"2\"}", writer) == "");
    CHECK(metrics.apply("c x{i=\"3\"}", writer) == "series_limit");
    sweep(metrics, 1);
    CHECK(metrics.apply("c x{i=\"2\"}", writer) == "");
    sweep(metrics, 2);
    CHECK(metrics.apply("c x{i=\"3\"}", writer) == "");
    CHECK(metrics.apply("c x{i=\"4\"}", writer) == "series_limit");
    CHECK(metrics.render() ==
          "# TYPE x_total counter\nx_total{i=\"2\"} 2.0\nx_total{i=\"3\"} 1.0\n");
    CHECK(metrics.registry.counts().evicted_series == 1);
    CHECK(metrics.registry.counts().idle_series == 0);
    CHECK(writer.series_made() == 2);
  }
}

TEST_CASE("what a departed process left in mode all is idle in its time, and makes way") {
  Metrics metrics;
  metrics.limits.series = 1;
  CHECK(metrics.apply("# MODE q all") == "");
  CHECK(metrics.apply("# TTL q 1s") == "");
  sweep(metrics, 0);
  auto gone = std::make_unique<Writer>(metrics.registry);
  gone->set_pid(1);
  CHECK(metrics.apply("g q 1", *gone) == "");
  gone.reset();
  CHECK(metrics.render() == "# TYPE q gauge\nq{pid=\"1\"} 1.0\n");
  Writer next(metrics.registry);
  next.set_pid(2);
  CHECK(metrics.apply("g q 2", next) == "series_limit");
  sweep(metrics, 2);
  CHECK(metrics.render() == "# TYPE q gauge\n");
  CHECK(metrics.apply("g q 2", next) == "");
  CHECK(metrics.render() == "# TYPE q gauge\nq{pid=\"2\"} 2.0\n");
}

TEST_CASE("the live series of a session that leaves go together, the others stay in their order") {
  Metrics metrics;
  CHECK(metrics.apply("# MODE q liveall") == "");
  CHECK(metrics.apply("# MODE r livesum") == "");
  Writer stays(metrics.registry);
  stays.set_pid(1);
  auto leaves = std::make_unique<Writer>(metrics.registry);
  leaves->set_pid(2);
  for (const std::string i : {"3", "1", "2"}) {
    for (auto* writer : {leaves.get(), &stays}) {
      CHECK(metrics.apply("g q{i=\"" + i + "\"} 1", *writer) == "");
    }
    CHECK(metrics.apply("g r{i=\"" + i + "\"} 1", i == "1" ? stays : *leaves) == "");
  }
  leaves.reset();
  CHECK(metrics.render() ==
        "# TYPE q gauge\nq{i=\"3\",pid=\"1\"} 1.0\nq{i=\"1\",pid=\"1\"} 1.0\n"
        "q{i=\"2\",pid=\"1\"} 1.0\n# TYPE r gauge\nr{i=\"1\"} 1.0\n");
  CHECK(metrics.registry.counts().series == 4);
}

TEST_CASE("a sweep of many series takes several calls") {
  Metrics metrics;
  metrics.limits.series_idle_ms = 1'000;
  metrics.registry.sweep(0);
  for (int i = 0; i < 20'000; ++i) metrics.apply("c x{i=\"" + std::to_string(i) + "\"}");
  CHECK(metrics.registry.sweep(5) == Registry::Sweep::kMore);
  CHECK(metrics.registry.sweep(5) == Registry::Sweep::kDone);
  CHECK(metrics.registry.counts().idle_series == 20'000);
}

}  // namespace
}  // namespace sidemeter
