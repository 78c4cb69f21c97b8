// A listening Unix socket and the file by which it is found.
//
// The file appears complete: bound under another name in the same folder, given mode and
// group, then renamed into place. A stale socket, known by a refused connect, is replaced; a
// socket that answers, or anything that is no socket, never is.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/net/descriptor.h"
#include "proto/result.h"

namespace sidemeter {

class SocketFile {
 public:
  static Result<std::unique_ptr<SocketFile>, NetError> listen(const std::string& path,
                                                              std::uint32_t mode,
                                                              std::optional<std::uint32_t> gid);
  ~SocketFile() { remove(); }
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  // The socket, once; it listens and does not block.
  Descriptor take() { return std::move(socket_); }

  // Unlinks the file if it is still ours: from here on nobody connects.
  void remove();

 private:
  explicit SocketFile(std::string path) : path_(std::move(path)) {}
  std::optional<NetError> bind(std::uint32_t mode, std::optional<std::uint32_t> gid);

  std::string path_;
  Descriptor socket_;
  bool placed_ = false;  // `device_` and `inode_` are those of our file at `path_`
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace sidemeter
