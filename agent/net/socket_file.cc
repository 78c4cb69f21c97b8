#include "agent/net/socket_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <random>
#include <string_view>

namespace sidemeter {
namespace {

// unix(7): sun_path has 108 bytes, the last is NUL.
constexpr std::size_t kMaxPathBytes = sizeof(sockaddr_un::sun_path) - 1;
constexpr int kBacklog = 511;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, kMaxPathBytes);
  return address;
}

NetError cannot(std::string_view what, const std::string& path) {
  return {"cannot " + std::string(what) + " " + path + ": " + std::strerror(errno)};
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

// Never longer than `path`, so that it fits where that one does.
std::string temporary_name(const std::string& path, std::random_device& random) {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string name = folder_of(path);
  const std::size_t length = std::min<std::size_t>(path.size() - name.size(), 12);
  for (std::size_t i = 0; i < length; ++i) {
    name += i == 0 && length > 4 ? '.' : kLetters[random() % kLetters.size()];
  }
  return name;
}

// Two agents that start at once must not both find the same stale file. A lock that
// somebody else keeps for long is passed over: it is a courtesy, not a guard against the owner.
Descriptor lock_folder(const std::string& path) {
  const std::string folder = folder_of(path);
  const char* name = folder.empty() ? "." : folder.c_str();
  Descriptor lock(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const timespec pause{0, 20'000'000};
  for (int tries = 0; lock && tries < 50 && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
    ::nanosleep(&pause, nullptr);
  }
  return lock;
}

// Why nothing may be put at `path`; none where nothing or a stale socket is there.
std::optional<NetError> check_place(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return cannot("listen on", path);
  }
  if (!S_ISSOCK(found.st_mode)) {
    return NetError{"cannot listen on " + path +
                    ": it exists and is not a socket; wanted a stale socket or nothing"};
  }
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path);
  if (probe &&
      ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ECONNREFUSED || errno == ENOENT) return std::nullopt;
    if (errno != EAGAIN) return cannot("tell whether anybody listens on", path);
  }
  return NetError{"cannot listen on " + path + ": another process listens there"};
}

}  // namespace

Result<std::unique_ptr<SocketFile>, NetError> SocketFile::listen(const std::string& path,
                                                                 std::uint32_t mode,
                                                                 std::optional<std::uint32_t> gid) {
  if (path.size() > kMaxPathBytes) {
    return NetError{"a socket path has at most " + std::to_string(kMaxPathBytes) + " bytes, got " +
                    std::to_string(path.size()) + ": " + path};
  }
  if (path.empty() || path.back() == '/' || path.find('\0') != std::string::npos) {
    return NetError{"a socket path must name a file, got \"" + path + "\""};
  }
  std::unique_ptr<SocketFile> file(new SocketFile(path));
  const Descriptor lock = lock_folder(path);
  if (auto error = check_place(path)) return *error;
  if (auto error = file->bind(mode, gid)) return *error;
  return file;
}

std::optional<NetError> SocketFile::bind(std::uint32_t mode, std::optional<std::uint32_t> gid) {
  socket_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return cannot("listen on", path_);
  // Nobody may connect before mode and group are right, whatever the umask: bind() gives the
  // file the mode of the socket.
  ::fchmod(socket_.get(), 0600);

  std::random_device random;
  std::string name;
  int failed = -1;
  for (int tries = 0; failed != 0 && tries < 100; ++tries) {
    name = temporary_name(path_, random);
    const sockaddr_un address = address_of(name);
    failed = ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (failed != 0 && errno != EADDRINUSE) break;
  }
  if (failed != 0) return cannot("listen on", path_);

  std::optional<NetError> error;
  struct stat made {};
  if (gid && ::chown(name.c_str(), static_cast<uid_t>(-1), *gid) != 0) {
    error = cannot("give to group " + std::to_string(*gid) + " the socket", path_);
  } else if (::chmod(name.c_str(), mode) != 0 || ::listen(socket_.get(), kBacklog) != 0 ||
             ::lstat(name.c_str(), &made) != 0 || ::rename(name.c_str(), path_.c_str()) != 0) {
    error = cannot("listen on", path_);
  }
  if (error) {
    ::unlink(name.c_str());
    return error;
  }
  device_ = made.st_dev;
  inode_ = made.st_ino;
  placed_ = true;
  return std::nullopt;
}

void SocketFile::remove() {
  if (!std::exchange(placed_, false)) return;
  struct stat found {};
  if (::lstat(path_.c_str(), &found) != 0) return;
  if (found.st_dev == device_ && found.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace sidemeter
