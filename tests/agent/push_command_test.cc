#include "agent/push_command.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "tests/support/captured_streams.h"
#include "tests/support/catch.h"
#include "tests/support/fake_agent.h"

using sidemeter::push;
using sidemeter::PushRequest;
using sidemeter::Streams;
using sidemeter::test::CapturedStreams;
using sidemeter::test::FakeAgent;

namespace {

const std::string kHello = "hello v=1 client=sidemeter-push/" SIDEMETER_VERSION " errors=1";

struct Outcome {
  int status;
  std::string output;
  std::string errors;
};

Outcome run_push(const std::string& path, const std::vector<std::string>& records,
                 const std::string& input = "") {
  const CapturedStreams captured(input);
  const int status = push({path, 60'000, records}, captured.streams());
  return {status, captured.output(), captured.errors()};
}

// Agrees to everything, as PROTOCOL.md says it is answered.
std::optional<std::string> agree(const std::string& line) {
  if (line.starts_with("hello ")) return "hello v=1 agent=sidemeter/0 max_line=65536\n";
  if (line.starts_with("sync ")) return "ok " + line.substr(5) + " accepted=1 rejected=0\n";
  return "";
}

}  // namespace

TEST_CASE("records of the arguments stand between our hello and our sync") {
  FakeAgent agent(agree);
  const Outcome outcome = run_push(agent.path(), {"c a 1", "# TYPE b gauge"});
  const auto lines = agent.stop();
  CHECK(outcome.status == 0);
  CHECK(outcome.output.empty());
  CHECK(outcome.errors.empty());
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == kHello);
  CHECK(lines[1] == "c a 1");
  CHECK(lines[2] == "# TYPE b gauge");
  CHECK(lines[3].starts_with("sync "));
}

TEST_CASE("standard input is sent where there are no arguments, its last line ended") {
  FakeAgent agent(agree);
  const Outcome outcome = run_push(agent.path(), {}, "c a 1\n\nc b 1");
  const auto lines = agent.stop();
  CHECK(outcome.status == 0);
  REQUIRE(lines.size() == 5);
  CHECK(lines[1] == "c a 1");
  CHECK(lines[2].empty());
  CHECK(lines[3] == "c b 1");
  CHECK(lines[4].starts_with("sync "));
}

TEST_CASE("standard input longer than any buffer arrives whole and in order") {
  std::string input;
  for (int i = 0; i < 100'000; ++i) input += "g a " + std::to_string(i) + "\n";
  FakeAgent agent(agree);
  CHECK(run_push(agent.path(), {}, input).status == 0);
  const auto lines = agent.stop();
  REQUIRE(lines.size() == 100'002);
  std::string received;
  for (std::size_t i = 1; i <= 100'000; ++i) received += lines[i] + "\n";
  CHECK(received == input);
}

TEST_CASE("a refusal is told with the line of the user's input, and the status is 1") {
  FakeAgent agent([](const std::string& line) -> std::optional<std::string> {
    if (line == "c a -1") return "err 3 negative_counter counter increment must be >= 0, got -1\n";
    return agree(line);
  });
  const Outcome outcome = run_push(agent.path(), {"c a 1", "c a -1"});
  CHECK(outcome.status == 1);
  CHECK(outcome.errors == "line 2: negative_counter: counter increment must be >= 0, got -1\n");
  CHECK(outcome.output.empty());
}

TEST_CASE("what the user's own sync and hello are answered is printed") {
  FakeAgent agent(agree);
  const Outcome outcome = run_push(agent.path(), {"hello v=1 instance=x", "sync mine"});
  CHECK(outcome.status == 0);
  CHECK(outcome.output ==
        "hello v=1 agent=sidemeter/0 max_line=65536\nok mine accepted=1 rejected=0\n");
}

TEST_CASE("refusals that are only counted are told too") {
  const auto rejecting = [](const std::string& token) {
    return [token](const std::string& line) -> std::optional<std::string> {
      if (!line.starts_with("sync ") || (line == "sync mine") != (token == "mine")) {
        return agree(line);
      }
      return "ok " + line.substr(5) + " accepted=0 rejected=2 first=\"line 2: no\"\n";
    };
  };
  FakeAgent at_the_end(rejecting("ours"));
  const Outcome outcome = run_push(at_the_end.path(), {"hello v=1 errors=0", "c a -1"});
  CHECK(outcome.status == 1);
  CHECK(outcome.errors == "2 records were refused\n");
  FakeAgent before(rejecting("mine"));
  CHECK(run_push(before.path(), {"c a -1", "sync mine"}).status == 1);
}

TEST_CASE("refusals counted in a JSON reply are refusals") {
  FakeAgent agent([](const std::string& line) -> std::optional<std::string> {
    if (line == R"({"sync":"1"})")
      return R"({"ok":"1","accepted":0,"rejected":1,"first":"…"})"
             "\n";
    return agree(line);
  });
  CHECK(run_push(agent.path(), {R"({"sync":"1"})"}).status == 1);
}

TEST_CASE("an agent that closes early is an error of its own, told with its last words") {
  FakeAgent agent([](const std::string& line) -> std::optional<std::string> {
    if (line == "c a 1") return std::nullopt;
    return "err 1 session_limit at most 5 sessions\n";
  });
  const Outcome outcome = run_push(agent.path(), {"c a 1"});
  CHECK(outcome.status == 2);
  CHECK(outcome.errors == "sidemeter: session_limit: at most 5 sessions\nsidemeter: " +
                              agent.path() + ": the agent closed the connection\n");
}

TEST_CASE("an agent that is not there is told with path and cause") {
  const Outcome outcome = run_push("/nonexistent/socket", {"c a 1"});
  CHECK(outcome.status == 2);
  CHECK(outcome.errors ==
        "sidemeter: /nonexistent/socket: cannot reach the agent: No such file or directory\n");
}
