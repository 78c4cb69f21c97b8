#include "agent/metrics/writer_table.h"

#include <memory>

#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

TEST_CASE("two sessions of one pid have labels of their own, and the freed one is given again") {
  Metrics metrics;
  CHECK(metrics.apply("# MODE q all") == "");
  auto first = std::make_unique<Writer>(metrics.registry);
  Writer second(metrics.registry);
  first->set_pid(7);
  second.set_pid(7);
  CHECK(metrics.apply("g q 1", *first) == "");
  CHECK(metrics.apply("g q 2", second) == "");
  CHECK(metrics.render() == "# TYPE q gauge\nq{pid=\"7\"} 1.0\nq{pid=\"7-2\"} 2.0\n");

  first.reset();
  Writer third(metrics.registry);
  third.set_pid(7);
  CHECK(metrics.apply("g q 3", third) == "");
  CHECK(metrics.render() == "# TYPE q gauge\nq{pid=\"7\"} 3.0\nq{pid=\"7-2\"} 2.0\n");
}

TEST_CASE("another pid is the label of what is written after it was said") {
  Metrics metrics;
  CHECK(metrics.apply("# MODE q all") == "");
  Writer writer(metrics.registry);
  CHECK(metrics.apply("g q 1", writer) == "");
  writer.set_pid(8);
  CHECK(metrics.apply("g q 2", writer) == "");
  CHECK(metrics.render() == "# TYPE q gauge\nq{pid=\"0\"} 1.0\nq{pid=\"8\"} 2.0\n");
}

}  // namespace
}  // namespace sidemeter
