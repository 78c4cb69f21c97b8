#include "agent/net/signals.h"

#include <signal.h>
#include <uv.h>

#include <utility>

#include "agent/net/loop.h"

namespace sidemeter {

namespace {

sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  return set;
}

}  // namespace

void Signals::hold() {
  const auto set = watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Signals::Signals(Loop& loop, std::function<void()> end, std::function<void()> reload)
    : end_(std::move(end)),
      reload_(std::move(reload)),
      terminate_(watch(loop, SIGTERM)),
      interrupt_(watch(loop, SIGINT)),
      hang_up_(watch(loop, SIGHUP)) {
  const auto set = watched();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

Handle<uv_signal_s> Signals::watch(Loop& loop, int number) {
  RawHandle<uv_signal_t> raw;
  // Without a watch the signal keeps its default: the process ends at once.
  if (uv_signal_init(loop.raw(), raw.get()) < 0) return nullptr;
  Handle<uv_signal_s> handle = raw.own(this);
  uv_signal_start(
      handle.get(),
      [](uv_signal_t* signal, int received) noexcept {
        auto* self = static_cast<Signals*>(signal->data);
        if (self == nullptr) return;
        received == SIGHUP ? self->reload_() : self->end_();
      },
      number);
  return handle;
}

}  // namespace sidemeter
