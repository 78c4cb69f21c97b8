#include "agent/scrape/health_session.h"

#include "tests/agent/scrape/received.h"
#include "tests/support/catch.h"

using namespace sidemeter;

namespace {

struct Probe {
  ScrapeLimits limits;
  bool ready = true;
  HealthRoom room{limits, [this] { return ready; }};
  Next next = Next::kIdle;

  Received ask(const std::string& bytes, To to = To::kOthers) {
    HealthSession session(room);
    std::string out;
    next = session.receive(bytes, out);
    auto all = replies(out, to);
    REQUIRE(all.size() == 1);
    return all.front();
  }

  Received get(const std::string& target) {
    return ask("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
  }
};

}  // namespace

TEST_CASE("behaviour 36: healthy and ready are answered, with a query too") {
  Probe probe;
  for (const std::string target : {"/-/healthy", "/-/ready", "/-/ready?x"}) {
    CHECK(probe.get(target).status == 200);
    CHECK(probe.next == Next::kIdle);
  }
}

TEST_CASE("behaviour 36: and nothing else") {
  Probe probe;
  for (const std::string target : {"/", "/metrics", "/-/healthy/", "/-/Ready"}) {
    CHECK(probe.get(target).status == 404);
  }
  CHECK(probe.ask("POST /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n").status == 405);
}

TEST_CASE("an agent that ends is healthy and not ready") {
  Probe probe;
  probe.ready = false;

  CHECK(probe.get("/-/healthy").status == 200);
  CHECK(probe.get("/-/ready").status == 503);
}

TEST_CASE("a HEAD is answered without a body, 1.0 and a body close, a bad head is refused") {
  Probe probe;
  CHECK(probe.ask("HEAD /-/ready HTTP/1.1\r\nHost: x\r\n\r\n", To::kHead).status == 200);
  CHECK(probe.ask("GET /-/ready HTTP/1.0\r\n\r\n").status == 200);
  CHECK(probe.next == Next::kClose);
  CHECK(probe.ask("GET /-/ready HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n").status == 200);
  CHECK(probe.next == Next::kClose);
  CHECK(probe.ask("bad\r\n\r\n").status == 400);
  CHECK(probe.next == Next::kClose);
}

TEST_CASE("a probe in pieces is answered when it is whole, or told that it is late") {
  Probe probe;
  HealthSession session(probe.room);
  std::string out;
  CHECK(session.receive("GET /-/rea", out) == Next::kPartial);
  CHECK(out.empty());
  SECTION("whole") {
    CHECK(session.receive("dy HTTP/1.1\r\nHost: x\r\n\r\n", out) == Next::kIdle);
    CHECK(replies(out, To::kOthers).front().body == "ready\n");
  }
  SECTION("late") {
    CHECK(session.expire(out) == Next::kClose);
    CHECK(replies(out, To::kOthers).front().status == 408);
  }
}
