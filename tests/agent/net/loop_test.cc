#include "agent/net/loop.h"

#include <signal.h>
#include <sys/socket.h>

#include <thread>

#include "tests/agent/net/room.h"
#include "tests/support/catch.h"

namespace sidemeter::test {
TEST_CASE("a loop can be woken from another thread") {
  const auto loop = open_loop();
  int woken = 0;
  loop->on_wake([&] {
    ++woken;
    loop->stop();
  });

  std::thread other([&] { loop->wake(); });
  loop->run();
  other.join();

  CHECK(woken == 1);
}

TEST_CASE("a wake before run() is not lost") {
  const auto loop = open_loop();
  loop->on_wake([&] { loop->stop(); });
  loop->wake();

  loop->run();

  SUCCEED();
}

TEST_CASE("a write to a peer that has left raises no SIGPIPE, then or afterwards") {
  const auto loop = open_loop();
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  ::close(pair[1]);
  ssize_t written = 0;
  loop->on_wake([&] {
    written = ::write(pair[0], "x", 1);
    loop->stop();
  });
  loop->wake();

  loop->run();  // the signal's default would end this program

  CHECK(written == -1);
  ::close(pair[0]);
  sigset_t pending;
  ::sigpending(&pending);
  CHECK(::sigismember(&pending, SIGPIPE) == 0);
}

TEST_CASE("a loop that was blocked knows how late it was") {
  const auto loop = open_loop();
  Timer block(*loop, [] { std::this_thread::sleep_for(std::chrono::milliseconds(600)); });
  Timer end(*loop, [&] { loop->stop(); });
  block.start(0);
  end.start(1'000);

  loop->run();

  CHECK(loop->lag_seconds() > 0);
  CHECK(loop->lag_seconds() < 60);
}

}  // namespace sidemeter::test
