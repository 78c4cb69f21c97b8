#include "agent/sessions_command.h"

#include "tests/support/captured_streams.h"
#include "tests/support/catch.h"
#include "tests/support/fake_agent.h"

namespace sidemeter::test {

TEST_CASE("sessions are a table, with the first refusal of each") {
  FakeAgent agent([](const std::string& line) -> std::optional<std::string> {
    if (line.starts_with("hello ")) return "hello v=1\n";
    return "session id=1 pid=4711 uid=33 instance=web-3 client=mine age=59.9 records=120 "
           "rejected=2 series=4 reason=bad_value first=\"line 7: wanted a number\"\n"
           "session id=12 pid=1 uid=0 instance=\"\" client=\"\" age=93784.2 records=0 rejected=0 "
           "series=0\n"
           "end sessions=2\n";
  });
  const CapturedStreams captured;

  CHECK(print_sessions({{agent.path(), 60'000}}, captured.streams()) == 0);
  CHECK(
      captured.output() ==
      "SESSION   PID  UID  INSTANCE  CLIENT    AGE  RECORDS  SERIES  REJECTED  FIRST REJECTION\n"
      "      1  4711   33  web-3     mine      59s      120       4         2  bad_value: line 7: "
      "wanted a number\n"
      "     12     1    0                    1d02h        0       0         0\n");
  CHECK(captured.errors().empty());
}

TEST_CASE("an agent that does not tell, or is not there, is exit status 2") {
  FakeAgent agent([](const std::string& line) -> std::optional<std::string> {
    return line.starts_with("hello ") ? "hello v=1\n" : "err 2 forbidden not you\n";
  });
  const CapturedStreams captured;

  CHECK(print_sessions({{agent.path(), 60'000}}, captured.streams()) == 2);
  CHECK(captured.errors() == "sidemeter: the agent refuses: 2 forbidden not you\n");
  CHECK(print_sessions({{"/nonexistent/socket", 20}}, captured.streams()) == 2);
}

}  // namespace sidemeter::test
