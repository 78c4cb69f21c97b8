#include "agent/ingest/ingest_session.h"

#include <memory>

#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

struct Client {
  Metrics metrics;
  IngestRoom room{metrics.registry, metrics.limits};
  IngestSession session{room, 4711, 1000};
  std::string replies;

  Next say(std::string_view bytes) {
    replies.clear();
    return session.receive(bytes, replies);
  }
  std::uint64_t rejected(Reason reason) const {
    return room.stats.rejected[static_cast<std::size_t>(reason)];
  }
};

TEST_CASE("sync answers after all before it has been applied") {
  Client client;
  client.say("c x 1\nc x -1\nsync a\n");
  CHECK(client.replies ==
        "ok a accepted=1 rejected=1 first=\"line 2: counter increment must be >= 0, got -1\"\n");
  client.say("sync b\n");
  CHECK(client.replies == "ok b accepted=0 rejected=0\n");
  CHECK(client.metrics.render() == "# TYPE x_total counter\nx_total 1.0\n");
}

TEST_CASE("declarations and bindings count, hello, sync, comments and empty records do not") {
  Client client;
  client.say("hello v=1\n# TYPE x gauge\n# a comment\n\n@1 g x\n@1 3\nsync a\n");
  CHECK(client.replies.substr(client.replies.find("ok")) == "ok a accepted=3 rejected=0\n");
}

TEST_CASE("a handle stands for its series, and after that was removed makes it anew") {
  Client client;
  client.say("@7 c x{a=\"1\"}\nsync a\n");
  CHECK(client.metrics.render().empty());
  client.say("@7 2\n@7\nx x{a=\"1\"}\n@7 5\n");
  CHECK(client.metrics.render() == "# TYPE x_total counter\nx_total{a=\"1\"} 5.0\n");
  client.say("@8 1\n");
  CHECK(client.rejected(Reason::kUnknownHandle) == 1);
}

TEST_CASE("a handle never reaches another series in the removed one's place") {
  Client client;
  client.say("@7 g x\n@7 1\nx x\ng y 5\n@7 2\n");
  CHECK(client.metrics.render() == "# TYPE x gauge\nx 2.0\n# TYPE y gauge\ny 5.0\n");
}

TEST_CASE("errors=1 answers each refused record at once, in its order") {
  Client client;
  client.say("hello v=1 errors=1\nc x 1\nc x -1\nz\nsync a\n");
  const auto first =
      client.replies.find("err 3 negative_counter counter increment must be >= 0, got -1\n");
  const auto second = client.replies.find("err 4 unknown_verb ");
  REQUIRE(first != std::string::npos);
  REQUIRE(second != std::string::npos);
  CHECK(first < second);
  CHECK(second < client.replies.find("ok a accepted=1 rejected=2"));
}

TEST_CASE("a version that is not spoken is answered and the session closed") {
  Client client;
  CHECK(client.say("hello v=2\nc x 1\n") == Next::kClose);
  CHECK(client.replies.starts_with("err 1 bad_version "));
  CHECK(client.metrics.render().empty());
}

TEST_CASE("a last record without LF is not applied and counted as truncated") {
  Client client;
  client.say("c x 1\nc x 1");
  std::string out;
  CHECK(client.session.finish(out) == Next::kClose);
  CHECK(client.rejected(Reason::kTruncated) == 1);
  CHECK(client.metrics.render() == "# TYPE x_total counter\nx_total 1.0\n");
}

TEST_CASE("a record that is too long is skipped to its LF, and the session lives on") {
  Client client;
  const std::string at_limit = "g x{l=\"" + std::string(10, 'v') + "\"} 1";
  client.say(std::string(65'536, ' ') + "\n");
  CHECK(client.rejected(Reason::kLineTooLong) == 0);
  client.say(std::string(65'537, ' ') + "\n" + at_limit + "\nsync a\n");
  CHECK(client.rejected(Reason::kLineTooLong) == 1);
  CHECK(client.replies.starts_with("ok a accepted=1 rejected=1 "));
}

TEST_CASE("an array is so many records, each with its own fate") {
  Client client;
  client.say("[{\"counter\":\"x\"},{\"counter\":\"x\",\"add\":-1},7]\n{\"sync\":\"a\"}\n");
  CHECK(client.replies ==
        "{\"ok\":\"a\",\"accepted\":1,\"rejected\":2,"
        "\"first\":\"line 1: counter increment must be >= 0, got -1\"}\n");
}

TEST_CASE("a JSON merge names the type of its family") {
  Client client;
  client.say(R"({"summary":"rpc","observe":1}
{"histogram":"rpc","merge":{"sum":5,"counts":[4]}}
)");
  CHECK(client.rejected(Reason::kTypeConflict) == 1);
  CHECK(client.metrics.render() == "# TYPE rpc summary\nrpc_count 1.0\nrpc_sum 1.0\n");
}

TEST_CASE("a message is cut to its limit, however much of the record it repeats") {
  Client client;
  client.say("hello v=1 errors=1\nc x " + std::string(10'000, 'y') + "\n");
  const auto err = client.replies.substr(client.replies.find("err "));
  CHECK(err.size() == std::string("err 2 bad_value ").size() + kMaxMessageBytes + 1);
}

TEST_CASE("replies are bounded, and what may not be said yet waits with its record") {
  Client client;
  client.metrics.limits.reply_bytes = 1'000;
  client.say("hello errors=1\n");
  std::string records;
  for (int i = 0; i < 500; ++i) records += "z\n";

  auto next = client.say(records + "c x 1\nsync a\n");
  std::string replies = client.replies;
  std::size_t slices = 1;
  for (; next == Next::kMore; ++slices) {
    CHECK(client.replies.size() <= 1'000 + std::string("err 500 \n").size() + kMaxMessageBytes);
    client.replies.clear();
    next = client.session.resume(client.replies);
    replies += client.replies;
  }

  CHECK(next == Next::kIdle);
  CHECK(slices > 20);
  std::size_t at = 0;
  for (int line = 2; line <= 501; ++line) {
    const auto found = replies.find("err " + std::to_string(line) + " unknown_verb ", at);
    REQUIRE(found == at);
    at = replies.find('\n', at) + 1;
  }
  CHECK(replies.substr(at).starts_with("ok a accepted=1 rejected=500 "));
}

TEST_CASE("who reads no reply any more is still heard to the end") {
  Client client;
  client.metrics.limits.reply_bytes = 1'000;
  client.say("hello errors=1\n");
  std::string records;
  for (int i = 0; i < 500; ++i) records += "z\n";
  REQUIRE(client.say(records + "c x 1\n") == Next::kMore);

  CHECK(client.session.lose_reader() == Next::kIdle);
  CHECK(client.rejected(Reason::kUnknownVerb) == 500);
  CHECK(client.metrics.render() == "# TYPE x_total counter\nx_total 1.0\n");
}

TEST_CASE("live values leave when the peer sends nothing more, or when the session is gone") {
  Metrics metrics;
  IngestRoom room{metrics.registry, metrics.limits};
  std::string out;
  for (const bool ends : {true, false}) {
    auto session = std::make_unique<IngestSession>(room, 1, 1000);
    session->receive("# MODE q livesum\ng q 1\n", out);
    CHECK(metrics.render() == "# TYPE q gauge\nq 1.0\n");
    CHECK(room.sessions.size() == 1);
    if (ends) {
      session->finish(out);
      CHECK(metrics.render() == "# TYPE q gauge\n");
    }
    session.reset();
    CHECK(metrics.render() == "# TYPE q gauge\n");
    CHECK(room.sessions.empty());
  }
}

TEST_CASE("a batch cut anywhere is the same batch") {
  const std::string bytes = "c x 1\nc x{a=\"1\"} 2\n@1 c x\n@1 3\nc x -1\nsync a\n";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Client client;
    client.say(bytes.substr(0, cut));
    auto replies = client.replies;
    client.say(bytes.substr(cut));
    replies += client.replies;
    CHECK(replies ==
          "ok a accepted=4 rejected=1 first=\"line 5: counter increment must be >= 0, got -1\"\n");
  }
}

}  // namespace
}  // namespace sidemeter
