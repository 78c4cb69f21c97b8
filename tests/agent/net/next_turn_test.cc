#include "agent/net/next_turn.h"

#include "tests/agent/net/room.h"

namespace sidemeter::test {

TEST_CASE("a start calls once, in the turn that runs") {
  Room room;
  int calls = 0;
  NextTurn next(*room.loop, [&] { ++calls; });
  room.turn();
  CHECK(calls == 0);

  next.start();
  CHECK(calls == 0);
  room.turn();
  room.turn();
  CHECK(calls == 1);
}

TEST_CASE("its action may start it again") {
  Room room;
  int calls = 0;
  NextTurn* raw = nullptr;
  NextTurn next(*room.loop, [&] {
    if (++calls < 3) raw->start();
  });
  raw = &next;
  next.start();
  CHECK(room.until([&] { return calls == 3; }));
}

TEST_CASE("one that is gone calls nothing") {
  Room room;
  int calls = 0;
  auto next = std::make_unique<NextTurn>(*room.loop, [&] { ++calls; });
  next->start();
  next.reset();
  room.turn();
  CHECK(calls == 0);
}

}  // namespace sidemeter::test
