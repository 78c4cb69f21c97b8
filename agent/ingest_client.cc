#include "agent/ingest_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

namespace sidemeter {
namespace {

constexpr std::uint64_t kConnectPauseMs = 10;

// Replies are short; one without end is no agent's.
constexpr std::size_t kMaxReceivedBytes = 64 * 1024 * 1024;

ClientError unreachable(const std::string& path, std::string_view cause) {
  return {path + ": cannot reach the agent: " + std::string(cause)};
}

void pause(std::uint64_t ms) {
  const timespec time{0, static_cast<long>(ms * 1'000'000)};
  nanosleep(&time, nullptr);
}

}  // namespace

Result<std::unique_ptr<IngestClient>, ClientError> IngestClient::connect(const std::string& path,
                                                                         std::uint64_t timeout_ms) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return unreachable(
        path, "expected a path of 1 to 107 bytes, got " + std::to_string(path.size()) + " bytes");
  }
  path.copy(address.sun_path, path.size());

  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return unreachable(path, std::strerror(errno));
  auto client = std::make_unique<IngestClient>(socket, path, timeout_ms);

  // unix(7): EAGAIN is a full backlog, and poll(2) does not tell when it has room again.
  for (std::uint64_t waited_ms = 0;; waited_ms += kConnectPauseMs) {
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) break;
    if (errno != EAGAIN && errno != EINTR) return unreachable(path, std::strerror(errno));
    if (waited_ms >= timeout_ms) return unreachable(path, "it accepts nobody");
    pause(kConnectPauseMs);
  }
  return client;
}

IngestClient::IngestClient(int socket, std::string path, std::uint64_t timeout_ms)
    : socket_(socket), path_(std::move(path)), timeout_ms_(timeout_ms) {
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
}

IngestClient::~IngestClient() { ::close(socket_); }

Result<Done, ClientError> IngestClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (const auto ready = wait(POLLIN | POLLOUT); !ready) return ready.error();
    } else if (errno != EINTR) {
      return closed();
    }
  }
  return Done{};
}

std::optional<std::string> IngestClient::next_reply() {
  const std::size_t end = received_.find('\n', taken_);
  if (end == std::string::npos) {
    received_.erase(0, taken_);
    taken_ = 0;
    return std::nullopt;
  }
  std::string reply = received_.substr(taken_, end - taken_);
  taken_ = end + 1;
  return reply;
}

Result<Done, ClientError> IngestClient::receive() { return wait(POLLIN); }

Result<IngestClient::Ready, ClientError> IngestClient::wait_for_input(int input) {
  std::array<pollfd, 2> waiting{{{input, POLLIN, 0}, {socket_, POLLIN, 0}}};
  while (::poll(waiting.data(), waiting.size(), -1) < 0) {
    if (errno != EINTR) return error(std::strerror(errno));
  }
  if (waiting[1].revents == 0) return Ready::kInput;
  if (!read_some()) return closed();
  return Ready::kReplies;
}

// Waits for one of `events`, and reads what is there to be read.
Result<Done, ClientError> IngestClient::wait(short events) {
  pollfd waiting{socket_, events, 0};
  const int timeout_ms = static_cast<int>(std::min<std::uint64_t>(timeout_ms_, INT_MAX));
  int ready = -1;
  do {
    ready = ::poll(&waiting, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return error(std::strerror(errno));
  if (ready == 0) return error("the agent does not answer");
  if ((waiting.revents & ~POLLOUT) != 0 && !read_some()) return closed();
  return Done{};
}

// False when the agent has closed.
bool IngestClient::read_some() {
  if (received_.size() > kMaxReceivedBytes) return false;
  std::array<char, 16 * 1024> buffer{};
  const ssize_t length = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (length > 0) received_.append(buffer.data(), static_cast<std::size_t>(length));
  return length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR));
}

ClientError IngestClient::error(std::string_view what) const {
  return {path_ + ": " + std::string(what)};
}

// Its last words have come by now: the kernel keeps them for us.
ClientError IngestClient::closed() {
  std::size_t before = 0;
  do {
    before = received_.size();
  } while (read_some() && received_.size() > before);
  return error("the agent closed the connection");
}

std::string random_token() {
  std::array<unsigned char, 16> bytes{};
  [[maybe_unused]] const ssize_t length = getrandom(bytes.data(), bytes.size(), 0);
  assert(length == static_cast<ssize_t>(bytes.size()));  // random(7): whole, up to 256 bytes
  std::string token = "sidemeter-";
  for (const unsigned byte : bytes) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", byte);
    token += digits.data();
  }
  return token;
}

}  // namespace sidemeter
