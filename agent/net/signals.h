// SIGTERM and SIGINT, told on the loop.
#pragma once

#include <functional>

#include "agent/net/handle.h"

namespace sidemeter {

class Loop;

class Signals {
 public:
  // While this stands the two signals do not end the process; `action` is called
  // for each instead. `loop` must outlive it.
  Signals(Loop& loop, std::function<void()> action);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  Handle<uv_signal_s> watch(Loop& loop, int number);

  std::function<void()> action_;
  Handle<uv_signal_s> terminate_;
  Handle<uv_signal_s> interrupt_;
};

}  // namespace sidemeter
