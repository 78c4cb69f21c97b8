#include "agent/net/handle.h"

#include <uv.h>

#include "agent/net/loop.h"
#include "tests/support/catch.h"

namespace sidemeter::test {

TEST_CASE("a handle that has left calls nobody back, and the loop ends clean") {
  auto loop = Loop::open();
  REQUIRE(loop);
  int calls = 0;
  {
    RawHandle<uv_timer_t> raw;
    REQUIRE(uv_timer_init((*loop)->raw(), raw.get()) == 0);
    const Handle<uv_timer_t> timer = raw.own(&calls);
    CHECK(timer->data == &calls);
    uv_timer_start(
        timer.get(),
        [](uv_timer_t* due) {
          if (due->data != nullptr) ++*static_cast<int*>(due->data);
        },
        0, 0);
  }
  Timer end(**loop, [&] { (*loop)->stop(); });
  end.start(5);

  (*loop)->run();

  CHECK(calls == 0);
}

TEST_CASE("memory that never became a handle is freed") {
  const RawHandle<uv_timer_t> raw;
  CHECK(raw.get() != nullptr);
}

}  // namespace sidemeter::test
