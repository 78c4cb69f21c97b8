#include "agent/password_gate.h"

#include "tests/agent/net/room.h"

namespace sidemeter::test {
namespace {

using Verdict = Gate::Verdict;

// base64 of the pairs, by another program.
const std::string kRight = "Basic YW46VSpV";       // an:U*U
const std::string kWrong = "Basic YW46VSpW";       // an:U*V
const std::string kNobody = "Basic Ym9iOlUqVQ==";  // bob:U*U

struct Door {
  Door() {
    auto digest = Digest::make();
    REQUIRE(digest);
    gate = std::make_unique<PasswordGate>(
        *room.loop,
        std::vector<BasicAuthUser>{
            {"an", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"}},
        *digest);
  }

  std::optional<Verdict> at_once(const std::string& authorization) {
    return gate->ask(authorization, [this](Verdict verdict) { later.push_back(verdict); });
  }

  Room room;
  std::unique_ptr<PasswordGate> gate;
  std::vector<Verdict> later;
};

}  // namespace

TEST_CASE("a right password is let in later, and the next time at once") {
  Door door;
  CHECK_FALSE(door.at_once(kRight));
  CHECK(door.room.until([&] { return door.later.size() == 1; }));
  CHECK(door.later.front() == Verdict::kAdmit);

  CHECK(door.at_once(kRight) == Verdict::kAdmit);
}

TEST_CASE("a wrong password and an unknown user are refused alike: later, then at once") {
  for (const std::string& authorization : {kWrong, kNobody}) {
    Door door;
    CHECK_FALSE(door.at_once(authorization));
    CHECK(door.room.until([&] { return door.later.size() == 1; }));
    CHECK(door.later.front() == Verdict::kRefuse);
    CHECK(door.at_once(authorization) == Verdict::kRefuse);
  }
}

TEST_CASE("what holds no user and password is refused at once") {
  Door door;
  for (const std::string text : {"", "Bearer x", "Basic x"}) {
    CHECK(door.at_once(text) == Verdict::kRefuse);
  }
}

TEST_CASE("past so many at once the others hear that it is busy, but who is known is not held up") {
  Door door;
  CHECK_FALSE(door.at_once(kRight));
  CHECK(door.room.until([&] { return door.later.size() == 1; }));
  for (int i = 0; i < 16; ++i) CHECK_FALSE(door.at_once(kNobody));

  CHECK(door.at_once(kNobody) == Verdict::kBusy);
  CHECK(door.at_once(kRight) == Verdict::kAdmit);

  CHECK(door.room.until([&] { return door.later.size() == 17; }));
}

TEST_CASE("a gate may go while passwords are checked") {
  Door door;
  CHECK_FALSE(door.at_once(kRight));

  door.gate.reset();
  for (int turn = 0; turn < 50; ++turn) door.room.turn();

  CHECK(door.later.empty());
}

}  // namespace sidemeter::test
