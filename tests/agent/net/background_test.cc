#include "agent/net/background.h"

#include <memory>
#include <thread>

#include "tests/agent/net/room.h"

namespace sidemeter::test {

TEST_CASE("work is done on another thread, and its end is told on the loop's") {
  Room room;
  Background background(*room.loop);
  std::thread::id worker, teller;
  background.run([&] { worker = std::this_thread::get_id(); },
                 [&] { teller = std::this_thread::get_id(); });
  CHECK(background.under_way() == 1);

  CHECK(room.until([&] { return background.under_way() == 0; }));

  CHECK(worker != std::this_thread::get_id());
  CHECK(teller == std::this_thread::get_id());
}

TEST_CASE("whoever has left is told nothing") {
  Room room;
  const auto worked = std::make_shared<int>(0);
  bool told = false;
  auto background = std::make_unique<Background>(*room.loop);
  background->run([worked] { ++*worked; }, [&told] { told = true; });

  background.reset();

  CHECK(room.until([&] { return worked.use_count() == 1; }));  // libuv has given the job back
  CHECK(*worked == 1);
  CHECK_FALSE(told);
}

}  // namespace sidemeter::test
