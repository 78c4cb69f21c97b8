#include "agent/net/next_turn.h"

#include <uv.h>

#include <cassert>
#include <utility>

#include "agent/net/loop.h"

namespace sidemeter {

NextTurn::NextTurn(Loop& loop, std::function<void()> action) : action_(std::move(action)) {
  RawHandle<uv_check_t> raw;
  [[maybe_unused]] const int error = uv_check_init(loop.raw(), raw.get());
  assert(error == 0);  // it only writes to memory
  check_ = raw.own(this);
}

void NextTurn::start() {
  uv_check_start(check_.get(), [](uv_check_t* check) noexcept {
    uv_check_stop(check);
    if (check->data != nullptr) static_cast<NextTurn*>(check->data)->action_();
  });
}

}  // namespace sidemeter
