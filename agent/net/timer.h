// Calls a function on the loop after a while, once or again and again.
#pragma once

#include <cstdint>
#include <functional>

#include "agent/net/handle.h"

namespace sidemeter {

class Loop;

class Timer {
 public:
  // `loop` must outlive the timer. `action` may start and stop the timer, not destroy it.
  Timer(Loop& loop, std::function<void()> action);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // repeat_ms 0: once. Starting again forgets the earlier start.
  void start(std::uint64_t first_ms, std::uint64_t repeat_ms = 0);
  void stop();

 private:
  std::function<void()> action_;
  Handle<uv_timer_s> timer_;
};

}  // namespace sidemeter
