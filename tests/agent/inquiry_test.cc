#include "agent/inquiry.h"

#include "tests/support/catch.h"
#include "tests/support/fake_agent.h"

namespace sidemeter::test {
namespace {

constexpr const char* kHello = "hello v=1 agent=sidemeter/0 max_line=65536\n";

// Answers hello, and every question with `listing`.
FakeAgent::Answer listing(const std::string& text) {
  return [text](const std::string& line) { return line.starts_with("hello ") ? kHello : text; };
}

std::string failure(const std::string& text) {
  FakeAgent agent(listing(text));
  auto inquiry = Inquiry::open({agent.path(), 60'000});
  REQUIRE(inquiry);
  const auto listed = inquiry->ask("sessions");
  return listed ? "" : listed.error().message;
}

}  // namespace

TEST_CASE("the fields of each listed line, to the end") {
  FakeAgent agent(
      listing("session id=1 client=\"a b\"\nsession id=2 client=\"\"\nend sessions=2\n"));
  auto inquiry = Inquiry::open({agent.path(), 60'000});
  REQUIRE(inquiry);
  for (int again = 0; again < 2; ++again) {
    const auto listed = inquiry->ask("sessions");
    REQUIRE(listed);
    CHECK(*listed == std::vector<ListedFields>{{{"id", "1"}, {"client", "a b"}},
                                               {{"id", "2"}, {"client", ""}}});
  }
}

TEST_CASE("a refusal is told, and so is what is no listing") {
  CHECK(failure("err 2 forbidden only root may ask that\n") ==
        "the agent refuses: 2 forbidden only root may ask that");
  CHECK(failure("session id\n").find("cannot be read") != std::string::npos);
}

TEST_CASE("nobody there is told with the path") {
  const auto inquiry = Inquiry::open({"/nonexistent/socket", 20});
  REQUIRE_FALSE(inquiry);
  CHECK(inquiry.error().message ==
        "/nonexistent/socket: cannot reach the agent: No such file or directory");
}

TEST_CASE("a field that is no number counts as 0") {
  CHECK(number({{"a", "12"}}, "a") == 12);
  CHECK(number({{"a", "x"}}, "a") == 0);
  CHECK(number({}, "a") == 0);
}

}  // namespace sidemeter::test
