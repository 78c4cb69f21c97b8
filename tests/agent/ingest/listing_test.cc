#include "agent/ingest/listing.h"

#include <memory>

#include "agent/ingest/ingest_session.h"
#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

struct Room {
  Metrics metrics;
  double now = 100;
  IngestRoom room{.registry = metrics.registry,
                  .limits = metrics.limits,
                  .now = [this] { return now; },
                  .owner = 1000};

  std::unique_ptr<IngestSession> open(std::int64_t pid, uid_t uid) {
    return std::make_unique<IngestSession>(room, pid, uid);
  }
};

std::string say(IngestSession& session, std::string_view bytes) {
  std::string out;
  session.receive(bytes, out);
  return out;
}

TEST_CASE("sessions are listed with who they are and what became of their records") {
  Room room;
  const auto worker = room.open(4711, 33);
  say(*worker, "hello instance=web-3 client=\"my client\"\nc x 1\ng y 2\nc x -1\nc x one\n");
  room.now += 1.5;
  const auto owner = room.open(1, 1000);

  CHECK(say(*owner, "sessions\n") ==
        "session id=1 pid=4711 uid=33 instance=web-3 client=\"my client\" age=1.500 records=2 "
        "rejected=2 series=2 reason=negative_counter "
        "first=\"line 4: counter increment must be >= 0, got -1\"\n"
        "session id=2 pid=1 uid=1000 instance=\"\" client=\"\" age=0.000 records=0 rejected=0 "
        "series=0\n"
        "end sessions=2\n");
}

TEST_CASE("families are listed with their series and records, the agent's own left out") {
  Room room;
  Writer agent(room.metrics.registry, Writer::Kind::kAgent);
  REQUIRE(room.metrics.registry.update({Verb::kGauge, "own", "1"}, agent));
  const auto owner = room.open(1, 1000);
  say(*owner, "# MODE q livesum\ng q 1\nc x{a=\"1\"}\nc x{a=\"2\"}\nc x{a=\"2\"}\n");

  CHECK(say(*owner, "families\n") ==
        "family name=q type=gauge mode=livesum series=1 idle=0 records=1\n"
        "family name=x type=counter series=2 idle=0 records=3\n"
        "end families=2\n");
}

TEST_CASE("only root and the agent's own user may ask") {
  Room room;
  CHECK(say(*room.open(1, 0), "sessions\n").ends_with("end sessions=1\n"));
  CHECK(say(*room.open(1, 1000), "families\n") == "end families=0\n");
  CHECK(say(*room.open(1, 1001), "hello errors=1\nsessions\nfamilies\n").find("forbidden") !=
        std::string::npos);
  CHECK(room.room.stats.rejected[static_cast<std::size_t>(Reason::kForbidden)] == 2);
}

TEST_CASE("a question is one word") {
  Room room;
  const auto owner = room.open(1, 1000);
  CHECK(say(*owner, "sessions now\n").empty());
  CHECK(room.room.stats.rejected[static_cast<std::size_t>(Reason::kBadSyntax)] == 1);
}

}  // namespace
}  // namespace sidemeter
