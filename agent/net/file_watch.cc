#include "agent/net/file_watch.h"

#include <uv.h>

#include "agent/net/loop.h"

namespace sidemeter {
namespace {

// Whoever replaces one of several files replaces the others in this time, mostly.
constexpr std::uint64_t kSettleMs = 200;

}  // namespace

FileWatch::FileWatch(Loop& loop, const std::vector<std::string>& folders, std::uint64_t poll_ms,
                     std::function<void()> action)
    : settle_(loop,
              [this, action] {
                noticed_ = false;
                action();
              }),
      poll_(loop, action) {
  for (const std::string& folder : folders) watch(loop, folder);
  poll_.start(poll_ms, poll_ms);
}

void FileWatch::watch(Loop& loop, const std::string& folder) {
  RawHandle<uv_fs_event_t> raw;
  if (uv_fs_event_init(loop.raw(), raw.get()) < 0) return;
  Handle<uv_fs_event_s> handle = raw.own(this);
  const int error = uv_fs_event_start(
      handle.get(),
      [](uv_fs_event_t* event, const char*, int, int) noexcept {
        if (event->data != nullptr) static_cast<FileWatch*>(event->data)->notice();
      },
      folder.c_str(), 0);
  if (error == 0) watches_.push_back(std::move(handle));
}

void FileWatch::notice() {
  if (noticed_) return;
  noticed_ = true;
  settle_.start(kSettleMs);
}

}  // namespace sidemeter
