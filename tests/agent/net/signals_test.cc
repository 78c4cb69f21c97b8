#include "agent/net/signals.h"

#include <signal.h>

#include "agent/net/loop.h"
#include "tests/support/catch.h"

namespace sidemeter::test {

TEST_CASE("SIGTERM and SIGINT are told on the loop, each time") {
  auto loop = Loop::open();
  REQUIRE(loop);
  int told = 0;
  const Signals signals(**loop, [&] {
    if (++told == 2) (*loop)->stop();
    ::raise(SIGINT);
  });

  ::raise(SIGTERM);
  (*loop)->run();

  CHECK(told == 2);
}

TEST_CASE("a signal that came before it was watched is told") {
  auto loop = Loop::open();
  REQUIRE(loop);
  Signals::hold();
  ::raise(SIGTERM);
  int told = 0;

  const Signals signals(**loop, [&] {
    ++told;
    (*loop)->stop();
  });
  (*loop)->run();

  CHECK(told == 1);
}

TEST_CASE("SIGHUP asks for a reload, and ends nothing") {
  auto loop = Loop::open();
  REQUIRE(loop);
  int ended = 0;
  int reloaded = 0;
  const Signals signals(
      **loop, [&] { ++ended; },
      [&] {
        ++reloaded;
        (*loop)->stop();
      });

  ::raise(SIGHUP);
  (*loop)->run();

  CHECK(reloaded == 1);
  CHECK(ended == 0);
}

}  // namespace sidemeter::test
