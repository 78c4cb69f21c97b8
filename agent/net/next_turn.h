// Calls a function once, behind the poll of this turn of the loop: when all that was ready has
// been served.
#pragma once

#include <functional>

#include "agent/net/handle.h"

namespace sidemeter {

class Loop;

class NextTurn {
 public:
  // `loop` must outlive it. `action` may start it again, not destroy it.
  NextTurn(Loop& loop, std::function<void()> action);
  NextTurn(const NextTurn&) = delete;
  NextTurn& operator=(const NextTurn&) = delete;

  void start();

 private:
  std::function<void()> action_;
  Handle<uv_check_s> check_;
};

}  // namespace sidemeter
