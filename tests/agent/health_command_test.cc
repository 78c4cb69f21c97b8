#include "agent/health_command.h"

#include "tests/support/catch.h"
#include "tests/support/fake_agent.h"

using sidemeter::find_illness;
using sidemeter::test::FakeAgent;

TEST_CASE("an agent that answers sync with ok is healthy") {
  FakeAgent agent([](const std::string& line) {
    return "ok " + line.substr(line.find(' ') + 1) + " accepted=0 rejected=0\n";
  });
  CHECK_FALSE(find_illness({agent.path(), 60'000}));
}

TEST_CASE("another answer is an illness") {
  FakeAgent agent([](const std::string&) { return "ok other accepted=0 rejected=0\n"; });
  const auto illness = find_illness({agent.path(), 60'000});
  REQUIRE(illness);
  CHECK(illness->find("got \"ok other accepted=0 rejected=0\"") != std::string::npos);
}

TEST_CASE("an agent that closes is ill") {
  FakeAgent agent([](const std::string&) { return std::nullopt; });
  CHECK(find_illness({agent.path(), 60'000}) == agent.path() + ": the agent closed the connection");
}

TEST_CASE("a silent agent is ill") {
  FakeAgent agent([](const std::string&) { return ""; });
  CHECK(find_illness({agent.path(), 20}) == agent.path() + ": the agent does not answer");
}

TEST_CASE("nobody there is an illness") {
  CHECK(find_illness({"/nonexistent/socket", 20}) ==
        "/nonexistent/socket: cannot reach the agent: No such file or directory");
}
