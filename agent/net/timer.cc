#include "agent/net/timer.h"

#include <uv.h>

#include <cassert>
#include <utility>

#include "agent/net/loop.h"

namespace sidemeter {

Timer::Timer(Loop& loop, std::function<void()> action) : action_(std::move(action)) {
  RawHandle<uv_timer_t> raw;
  [[maybe_unused]] const int error = uv_timer_init(loop.raw(), raw.get());
  assert(error == 0);  // it only writes to memory
  timer_ = raw.own(this);
}

void Timer::start(std::uint64_t first_ms, std::uint64_t repeat_ms) {
  // The loop's clock stands still while a callback runs; a wait begins now.
  uv_update_time(timer_->loop);
  uv_timer_start(
      timer_.get(),
      [](uv_timer_t* timer) noexcept {
        if (timer->data != nullptr) static_cast<Timer*>(timer->data)->action_();
      },
      first_ms, repeat_ms);
}

void Timer::stop() { uv_timer_stop(timer_.get()); }

}  // namespace sidemeter
