#include "agent/metrics/writer.h"

#include <memory>

#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

// Two sessions that write in turn.
struct Pool {
  Metrics metrics;
  std::unique_ptr<Writer> one = std::make_unique<Writer>(metrics.registry);
  std::unique_ptr<Writer> other = std::make_unique<Writer>(metrics.registry);

  explicit Pool(const std::string& mode) {
    one->set_pid(1);
    other->set_pid(2);
    CHECK(metrics.apply("# MODE q " + mode) == "");
  }

  // The samples, without the line of the type.
  std::string samples() const {
    const auto text = metrics.render();
    return text.substr(text.find('\n') + 1);
  }
};

TEST_CASE("a gauge of mode sum, min, max or mostrecent shows what all sessions make together") {
  const std::pair<const char*, const char*> modes[] = {
      {"sum", "q 7.0\n"}, {"min", "q 2.0\n"}, {"max", "q 5.0\n"}, {"mostrecent", "q 5.0\n"}};
  for (const auto& [mode, sample] : modes) {
    Pool pool(mode);
    CHECK(pool.metrics.apply("g q 2", *pool.one) == "");
    CHECK(pool.metrics.apply("g q 5", *pool.other) == "");
    CHECK(pool.samples() == sample);
    pool.one->leave();
    pool.other->leave();
    CHECK(pool.samples() == sample);
  }
}

TEST_CASE("a live value is gone when its session has left, and with the last one the series") {
  for (const std::string mode : {"livesum", "livemin", "livemax", "livemostrecent"}) {
    Pool pool(mode);
    CHECK(pool.metrics.apply("g q 2", *pool.one) == "");
    CHECK(pool.metrics.apply("g q 5", *pool.other) == "");
    pool.other->leave();
    CHECK(pool.samples() == "q 2.0\n");
    pool.one->leave();
    CHECK(pool.samples().empty());
    CHECK(pool.metrics.registry.counts().series == 0);
    CHECK(pool.metrics.registry.counts().gauge_values == 0);
  }
}

TEST_CASE("in mode all each process has a series, which stays; in liveall it goes with it") {
  for (const std::string mode : {"all", "liveall"}) {
    Pool pool(mode);
    CHECK(pool.metrics.apply("g q{a=\"x\"} 2", *pool.one) == "");
    CHECK(pool.metrics.apply("g q{a=\"x\"} 5", *pool.other) == "");
    CHECK(pool.samples() == "q{a=\"x\",pid=\"1\"} 2.0\nq{a=\"x\",pid=\"2\"} 5.0\n");
    pool.one->leave();
    CHECK(pool.samples() == (mode == "all" ? "q{a=\"x\",pid=\"1\"} 2.0\n" : "") +
                                std::string("q{a=\"x\",pid=\"2\"} 5.0\n"));
  }
}

TEST_CASE("+= and -= act on the session's own value") {
  for (const std::string mode : {"sum", "livesum"}) {
    Pool pool(mode);
    CHECK(pool.metrics.apply("g q +=2", *pool.one) == "");
    CHECK(pool.metrics.apply("g q +=5", *pool.other) == "");
    CHECK(pool.metrics.apply("g q -=1", *pool.one) == "");
    CHECK(pool.samples() == "q 6.0\n");
  }
  Pool pool("max");
  CHECK(pool.metrics.apply("g q +=2", *pool.one) == "");
  CHECK(pool.metrics.apply("g q +=3", *pool.other) == "");
  CHECK(pool.metrics.apply("g q +=3", *pool.one) == "");
  CHECK(pool.samples() == "q 5.0\n");
}

TEST_CASE("a process that takes over a pid begins its own value at 0") {
  Pool pool("all");
  CHECK(pool.metrics.apply("g q 5", *pool.one) == "");
  pool.one->leave();
  Writer next(pool.metrics.registry);
  next.set_pid(1);
  CHECK(pool.metrics.apply("g q +=1", next) == "");
  CHECK(pool.samples() == "q{pid=\"1\"} 1.0\n");
}

TEST_CASE("the label pid is the agent's to give in the modes that show it, and no other") {
  Pool pool("all");
  CHECK(pool.metrics.apply("g q 1", *pool.one) == "");
  CHECK(pool.metrics.apply("g q{pid=\"1\"} 9", *pool.other) == "bad_label");
  CHECK(pool.metrics.apply("g r{pid=\"1\"} 9", *pool.other) == "");
  CHECK(pool.samples() == "q{pid=\"1\"} 1.0\n# TYPE r gauge\nr{pid=\"1\"} 9.0\n");
}

TEST_CASE("a session removes its own series of mode all, or another's by its pid") {
  Pool pool("all");
  CHECK(pool.metrics.apply("g q 1", *pool.one) == "");
  CHECK(pool.metrics.apply("g q 2", *pool.other) == "");
  CHECK(pool.metrics.apply("x q", *pool.one) == "");
  CHECK(pool.samples() == "q{pid=\"2\"} 2.0\n");
  CHECK(pool.metrics.apply("x q{pid=\"2\"}", *pool.one) == "");
  CHECK(pool.samples().empty());
}

TEST_CASE("a removed gauge is removed for all sessions, and a later value begins anew") {
  Pool pool("livesum");
  CHECK(pool.metrics.apply("g q 1", *pool.one) == "");
  CHECK(pool.metrics.apply("g q 2", *pool.other) == "");
  CHECK(pool.metrics.apply("x q", *pool.other) == "");
  CHECK(pool.metrics.registry.counts().gauge_values == 0);
  CHECK(pool.metrics.apply("g q +=5", *pool.one) == "");
  pool.other->leave();
  CHECK(pool.samples() == "q 5.0\n");
}

TEST_CASE("counters, histograms and summaries never fall because a session has left") {
  Pool pool("last");
  for (const char* record : {"c c 2", "h h 0.3", "s s 1", "g q 4"}) {
    CHECK(pool.metrics.apply(record, *pool.one) == "");
  }
  const auto before = pool.metrics.render();
  pool.one->leave();
  CHECK(pool.metrics.render() == before);
}

TEST_CASE("the mode stays once the family has a series") {
  Pool pool("sum");
  CHECK(pool.metrics.apply("g q 1", *pool.one) == "");
  CHECK(pool.metrics.apply("# MODE q sum") == "");
  CHECK(pool.metrics.apply("# MODE q livesum") == "declaration_conflict");
  CHECK(pool.metrics.apply("clear q") == "");
  CHECK(pool.metrics.apply("# MODE q all") == "");
}

TEST_CASE("a session that removes and makes a series again and again keeps no trace of it") {
  Pool pool("livesum");
  for (int i = 0; i < 1'000; ++i) {
    CHECK(pool.metrics.apply("g q 1", *pool.one) == "");
    CHECK(pool.metrics.apply("x q", *pool.one) == "");
  }
  CHECK(pool.one->series_made() == 0);
  CHECK(pool.metrics.registry.counts().gauge_values == 0);
}

}  // namespace
}  // namespace sidemeter
