// Owns a libuv handle. libuv frees nothing by itself and calls back until the
// close callback: so ~Handle clears `data`, closes, and leaves the memory to
// that callback. A callback reaches its owner only through `data`; null means that it has left.
//
// The types may be incomplete here: only sources of this room see uv.h.
#pragma once

#include <cstdlib>
#include <memory>

struct uv_async_s;
struct uv_check_s;
struct uv_fs_event_s;
struct uv_poll_s;
struct uv_signal_s;
struct uv_stream_s;
struct uv_timer_s;

namespace sidemeter {

struct CloseHandle {
  void operator()(void* handle) const noexcept;
};

template <typename T>
using Handle = std::unique_ptr<T, CloseHandle>;

// The memory for a handle. libuv's init function is called next; where that one fails, the
// memory was never a handle and frees itself.
template <typename T>
class RawHandle {
 public:
  RawHandle() : memory_(static_cast<T*>(std::calloc(1, sizeof(T)))) {
    if (!memory_) std::abort();
  }

  T* get() const { return memory_.get(); }

  // After a successful init.
  Handle<T> own(void* owner) {
    memory_->data = owner;
    return Handle<T>(memory_.release());
  }

 private:
  struct Free {
    void operator()(T* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<T, Free> memory_;
};

}  // namespace sidemeter
