#include "agent/net/timer.h"

#include "agent/net/loop.h"
#include "tests/support/catch.h"

namespace sidemeter::test {

TEST_CASE("a timer rings once, or again and again until it is stopped") {
  auto loop = Loop::open();
  REQUIRE(loop);
  int once = 0;
  int often = 0;
  Timer first(**loop, [&] { ++once; });
  Timer second(**loop, [&] {
    if (++often == 3) (*loop)->stop();
  });
  first.start(0);
  second.start(1, 1);

  (*loop)->run();

  CHECK(once == 1);
  CHECK(often == 3);
}

TEST_CASE("a stopped timer does not ring") {
  auto loop = Loop::open();
  REQUIRE(loop);
  bool rang = false;
  Timer stopped(**loop, [&] { rang = true; });
  Timer end(**loop, [&] { (*loop)->stop(); });
  stopped.start(1);
  stopped.stop();
  end.start(20);

  (*loop)->run();

  CHECK_FALSE(rang);
}

}  // namespace sidemeter::test
