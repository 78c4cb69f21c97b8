#include "agent/ingest_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "tests/support/catch.h"
#include "tests/support/fake_agent.h"

using sidemeter::IngestClient;
using sidemeter::random_token;
using sidemeter::test::FakeAgent;

namespace {

constexpr std::uint64_t kLong = 60'000;

// Both ends of a connection: the test plays the agent.
struct Pair {
  std::array<int, 2> ends = make();
  IngestClient client{ends[0], "/test", kLong};

  ~Pair() {
    if (ends[1] >= 0) close(ends[1]);
  }
  static std::array<int, 2> make() {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    return ends;
  }
  void say(std::string_view text) {
    REQUIRE(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void leave() {
    close(ends[1]);
    ends[1] = -1;
  }
};

}  // namespace

TEST_CASE("replies are cut at their LF, however they arrive") {
  Pair pair;
  CHECK_FALSE(pair.client.next_reply());
  pair.say("ok 1\nok");
  REQUIRE(pair.client.receive());
  CHECK(pair.client.next_reply() == "ok 1");
  CHECK_FALSE(pair.client.next_reply());
  pair.say(" 2\n\n");
  REQUIRE(pair.client.receive());
  CHECK(pair.client.next_reply() == "ok 2");
  CHECK(pair.client.next_reply() == "");
  CHECK_FALSE(pair.client.next_reply());
}

TEST_CASE("the last words of an agent that closes are kept") {
  Pair pair;
  pair.say("err 1 session_limit too many\n");
  pair.leave();
  const auto sent = pair.client.send("c a 1\n");
  REQUIRE_FALSE(sent);
  CHECK(sent.error().message == "/test: the agent closed the connection");
  CHECK(pair.client.next_reply() == "err 1 session_limit too many");
}

TEST_CASE("a closed connection ends each wait") {
  Pair pair;
  pair.leave();
  CHECK_FALSE(pair.client.receive());
  std::array<int, 2> input{};
  REQUIRE(pipe(input.data()) == 0);
  const auto waited = pair.client.wait_for_input(input[0]);
  close(input[0]);
  close(input[1]);
  REQUIRE_FALSE(waited);
  CHECK(waited.error().message == "/test: the agent closed the connection");
}

TEST_CASE("an agent that answers each line with more than the line is no deadlock") {
  FakeAgent agent([](const std::string&) { return std::string(4'000, 'x') + "\n"; });
  const auto client = IngestClient::connect(agent.path(), kLong);
  REQUIRE(client);
  std::string records;
  for (int i = 0; i < 2'000; ++i) records += "c a 1\n";
  REQUIRE((*client)->send(records));
  int replies = 0;
  while (replies < 2'000) {
    if ((*client)->next_reply()) {
      ++replies;
    } else {
      REQUIRE((*client)->receive());
    }
  }
  CHECK(replies == 2'000);
}

TEST_CASE("waiting for input tells which came, input or replies") {
  Pair pair;
  std::array<int, 2> input{};
  REQUIRE(pipe(input.data()) == 0);
  pair.say("ok 1\n");
  const auto first = pair.client.wait_for_input(input[0]);
  REQUIRE(first);
  CHECK(*first == IngestClient::Ready::kReplies);
  CHECK(pair.client.next_reply() == "ok 1");
  REQUIRE(write(input[1], "x", 1) == 1);
  const auto second = pair.client.wait_for_input(input[0]);
  REQUIRE(second);
  CHECK(*second == IngestClient::Ready::kInput);
  close(input[0]);
  close(input[1]);
}

TEST_CASE("an agent that says nothing is given up") {
  Pair pair;
  IngestClient client(dup(pair.ends[0]), "/test", 10);
  const auto received = client.receive();
  REQUIRE_FALSE(received);
  CHECK(received.error().message == "/test: the agent does not answer");
}

TEST_CASE("nobody there is told with path and cause") {
  const auto missing = IngestClient::connect("/nonexistent/socket", kLong);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message ==
        "/nonexistent/socket: cannot reach the agent: No such file or directory");
  const auto empty = IngestClient::connect("", kLong);
  REQUIRE_FALSE(empty);
  CHECK(empty.error().message ==
        ": cannot reach the agent: expected a path of 1 to 107 bytes, got 0 bytes");
  CHECK_FALSE(IngestClient::connect(std::string(108, 'a'), kLong));
}

TEST_CASE("no two tokens are the same") { CHECK(random_token() != random_token()); }
