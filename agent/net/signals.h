// SIGTERM, SIGINT and SIGHUP, told on the loop.
#pragma once

#include <functional>

#include "agent/net/handle.h"

namespace sidemeter {

class Loop;

class Signals {
 public:
  // From now on the signals wait, in this thread and those that it starts, until they are watched:
  // what comes while a program starts neither ends it half-way nor is lost.
  static void hold();

  // While this stands the signals do not end the process: for SIGTERM and SIGINT `end` is called,
  // for SIGHUP `reload`. `loop` must outlive it.
  Signals(
      Loop& loop, std::function<void()> end, std::function<void()> reload = [] {});
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  Handle<uv_signal_s> watch(Loop& loop, int number);

  std::function<void()> end_;
  std::function<void()> reload_;
  Handle<uv_signal_s> terminate_;
  Handle<uv_signal_s> interrupt_;
  Handle<uv_signal_s> hang_up_;
};

}  // namespace sidemeter
