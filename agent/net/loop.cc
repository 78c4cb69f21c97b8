#include "agent/net/loop.h"

#include <signal.h>
#include <uv.h>

#include <algorithm>
#include <cassert>
#include <ctime>

namespace sidemeter {
namespace {

constexpr std::uint64_t kSampleMs = 500;
constexpr std::uint64_t kSampleNs = kSampleMs * 1'000'000;
constexpr std::uint64_t kWindowNs = 15'000'000'000;

// SIGPIPE goes to the thread that wrote. Blocked here, it stays pending and is
// taken away before the thread gets its old mask back.
class BlockSigpipe {
 public:
  BlockSigpipe() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  ~BlockSigpipe() {
    if (sigismember(&before_, SIGPIPE) == 1) return;
    const timespec at_once{};
    while (sigtimedwait(&sigpipe_, nullptr, &at_once) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  BlockSigpipe(const BlockSigpipe&) = delete;
  BlockSigpipe& operator=(const BlockSigpipe&) = delete;

 private:
  sigset_t sigpipe_;
  sigset_t before_;
};

}  // namespace

Loop::Loop()
    : loop_(new uv_loop_t, [](uv_loop_s* loop) { delete loop; }),
      read_buffer_(new char[kReadBytes]) {}

Result<std::unique_ptr<Loop>, NetError> Loop::open() {
  std::unique_ptr<Loop> loop(new Loop);
  int error = uv_loop_init(loop->raw());
  if (error < 0) {
    loop->loop_.reset();
    return NetError{std::string("cannot open an event loop: ") + uv_strerror(error)};
  }
  RawHandle<uv_async_t> wake;
  error = uv_async_init(loop->raw(), wake.get(), [](uv_async_t* async) noexcept {
    if (async->data != nullptr) static_cast<Loop*>(async->data)->on_wake_();
  });
  if (error < 0) return NetError{std::string("cannot open an event loop: ") + uv_strerror(error)};
  loop->wake_ = wake.own(loop.get());
  loop->lag_timer_ = std::make_unique<Timer>(*loop, [raw = loop.get()] { raw->sample_lag(); });
  return loop;
}

Loop::~Loop() {
  if (!loop_) return;
  lag_timer_.reset();
  wake_.reset();
  uv_run(loop_.get(), UV_RUN_DEFAULT);  // the close callbacks
  [[maybe_unused]] const int error = uv_loop_close(loop_.get());
  assert(error == 0);  // whoever opened on this loop has closed
}

void Loop::run() {
  const BlockSigpipe blocked;
  sample_due_ns_ = uv_hrtime() + kSampleNs;
  lag_timer_->start(kSampleMs, kSampleMs);
  uv_run(loop_.get(), UV_RUN_DEFAULT);
  lag_timer_->stop();
}

void Loop::stop() { uv_stop(loop_.get()); }

void Loop::wake() { uv_async_send(wake_.get()); }

std::uint64_t Loop::now_ms() const { return uv_now(loop_.get()); }

double Loop::lag_seconds() const {
  return static_cast<double>(std::max(worst_ns_, worst_of_last_ns_)) / 1e9;
}

void Loop::sample_lag() {
  const std::uint64_t now = uv_hrtime();
  if (now >= window_end_ns_) {
    worst_of_last_ns_ = worst_ns_;
    worst_ns_ = 0;
    window_end_ns_ = now + kWindowNs;
  }
  // libuv's clock has milliseconds, so a timer can be early by a part of one.
  if (now > sample_due_ns_) worst_ns_ = std::max(worst_ns_, now - sample_due_ns_);
  sample_due_ns_ = now + kSampleNs;
}

}  // namespace sidemeter
