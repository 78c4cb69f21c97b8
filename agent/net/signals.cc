#include "agent/net/signals.h"

#include <signal.h>
#include <uv.h>

#include <utility>

#include "agent/net/loop.h"

namespace sidemeter {

Signals::Signals(Loop& loop, std::function<void()> action)
    : action_(std::move(action)),
      terminate_(watch(loop, SIGTERM)),
      interrupt_(watch(loop, SIGINT)) {}

Handle<uv_signal_s> Signals::watch(Loop& loop, int number) {
  RawHandle<uv_signal_t> raw;
  // Without a watch the signal keeps its default: the process ends at once.
  if (uv_signal_init(loop.raw(), raw.get()) < 0) return nullptr;
  Handle<uv_signal_s> handle = raw.own(this);
  uv_signal_start(
      handle.get(),
      [](uv_signal_t* signal, int) noexcept {
        if (signal->data != nullptr) static_cast<Signals*>(signal->data)->action_();
      },
      number);
  return handle;
}

}  // namespace sidemeter
