// Tells when files may have changed. Watches folders, not files: a watch of a file dies when it is
// replaced, as a kubelet does by its `..data` link. And it looks again every so often, since some
// file systems tell nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/net/handle.h"
#include "agent/net/timer.h"

namespace sidemeter {

class Loop;

class FileWatch {
 public:
  // `action` is called a moment after something happened in one of the folders, many things at
  // once being one, and every `poll_ms`. `loop` must outlive this.
  FileWatch(Loop& loop, const std::vector<std::string>& folders, std::uint64_t poll_ms,
            std::function<void()> action);
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // How many of the folders are watched; the others are only looked at.
  std::size_t watched() const { return watches_.size(); }

 private:
  void watch(Loop& loop, const std::string& folder);
  void notice();

  Timer settle_;
  Timer poll_;
  std::vector<Handle<uv_fs_event_s>> watches_;
  bool noticed_ = false;
};

}  // namespace sidemeter
