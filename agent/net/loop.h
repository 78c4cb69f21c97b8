// The event loop: one thread runs it, and everything on it lives on that thread.
// It must outlive all that was opened on it; ~Loop waits until libuv has closed
// every handle, and asserts that none was forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "agent/net/descriptor.h"
#include "agent/net/handle.h"
#include "agent/net/timer.h"
#include "proto/result.h"

struct uv_loop_s;

namespace sidemeter {

// What one read can bring; also the one buffer that all reads share.
inline constexpr std::size_t kReadBytes = 64 * 1024;

class Loop {
 public:
  static Result<std::unique_ptr<Loop>, NetError> open();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop(). Writing to a peer that has left raises no SIGPIPE meanwhile:
  // libuv does not see to that, and an embedding program may not ignore the signal.
  void run();
  void stop();

  // From any thread: has `action` called on the loop, also when run() comes later.
  // Calls that come close together are one.
  void wake();
  void on_wake(std::function<void()> action) { on_wake_ = std::move(action); }

  // Milliseconds of a monotonic clock, as of this turn.
  std::uint64_t now_ms() const;

  // How late the loop answered at worst in the last 15 to 30 seconds, sampled twice a second.
  double lag_seconds() const;

  uv_loop_s* raw() { return loop_.get(); }
  std::span<char> read_buffer() { return {read_buffer_.get(), kReadBytes}; }

 private:
  Loop();
  void sample_lag();

  std::unique_ptr<uv_loop_s, void (*)(uv_loop_s*)> loop_;
  std::unique_ptr<char[]> read_buffer_;
  std::function<void()> on_wake_ = [] {};
  Handle<uv_async_s> wake_;
  std::unique_ptr<Timer> lag_timer_;

  std::uint64_t sample_due_ns_ = 0;
  std::uint64_t window_end_ns_ = 0;
  std::uint64_t worst_ns_ = 0;          // of the window that has begun
  std::uint64_t worst_of_last_ns_ = 0;  // of the window before
};

}  // namespace sidemeter
