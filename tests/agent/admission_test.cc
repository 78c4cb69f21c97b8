#include "agent/admission.h"

#include "tests/support/catch.h"

namespace sidemeter::test {
namespace {

using Verdict = ListenerDoor::Admission;

struct CountingLog final : Log {
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override { ++lines; }
  int lines = 0;
};

struct Door {
  explicit Door(AdmissionRules rules)
      : admission(
            std::move(rules), log, [this](std::uint32_t) { return open; },
            [this] { return now_ms; }) {}

  Verdict judge(uid_t uid, gid_t gid) { return admission.judge({1, uid, gid}); }

  CountingLog log;
  std::size_t open = 0;
  std::uint64_t now_ms = 1'000;
  Admission admission;
};

}  // namespace

TEST_CASE("without lists everybody may push") {
  Door door({{}, {}, 10});
  CHECK(door.judge(1, 1) == Verdict::kAdmit);
}

TEST_CASE("one of the two lists is enough") {
  Door door({{33}, {44}, 10});
  CHECK(door.judge(33, 1) == Verdict::kAdmit);
  CHECK(door.judge(1, 44) == Verdict::kAdmit);
  CHECK(door.judge(44, 33) == Verdict::kForbidden);
}

TEST_CASE("a user has so many sessions, and no more") {
  Door door({{}, {}, 2});
  door.open = 1;
  CHECK(door.judge(1, 1) == Verdict::kAdmit);
  door.open = 2;
  CHECK(door.judge(1, 1) == Verdict::kTooMany);
}

TEST_CASE("refused peers are logged now and then") {
  Door door({{33}, {}, 10});
  for (int i = 0; i < 5; ++i) door.judge(1, 1);
  CHECK(door.log.lines == 1);
  door.now_ms += 10'000;
  door.judge(1, 1);
  CHECK(door.log.lines == 2);
}

}  // namespace sidemeter::test
