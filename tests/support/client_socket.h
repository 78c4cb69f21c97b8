// A client's end of a TCP or Unix connection, for tests: never blocks, gathers
// what it received, and knows whether the other side has ended.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace sidemeter::test {

class ClientSocket {
 public:
  // "127.0.0.1:40123"
  static ClientSocket tcp(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(address.c_str() + colon + 1)));
    ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    return ClientSocket(AF_INET, reinterpret_cast<sockaddr*>(&to), sizeof to);
  }

  static ClientSocket unix_stream(const std::string& path) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    return ClientSocket(AF_UNIX, reinterpret_cast<sockaddr*>(&to), sizeof to);
  }

  ~ClientSocket() { close(); }
  ClientSocket(ClientSocket&& other) noexcept
      : number_(std::exchange(other.number_, -1)),
        connected_(other.connected_),
        received_(std::move(other.received_)),
        ended_(other.ended_),
        reset_(other.reset_) {}

  bool connected() const { return connected_; }
  int number() const { return number_; }

  // How much was taken: less than all when the other side does not read.
  std::size_t send(std::string_view bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t n =
          ::send(number_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n <= 0) break;
      sent += static_cast<std::size_t>(n);
    }
    return sent;
  }

  void end() { ::shutdown(number_, SHUT_WR); }

  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

  // Takes what is there.
  void read() {
    char bytes[16 * 1024];
    while (!ended_) {
      const ssize_t n = ::recv(number_, bytes, sizeof bytes, MSG_DONTWAIT);
      if (n > 0) {
        received_.append(bytes, static_cast<std::size_t>(n));
        continue;
      }
      if (n < 0 && errno == EAGAIN) return;
      ended_ = true;
      reset_ = n < 0;
    }
  }

  const std::string& received() const { return received_; }
  bool ended() const { return ended_; }
  bool was_reset() const { return reset_; }

 private:
  ClientSocket(int family, const sockaddr* to, socklen_t length)
      : number_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        connected_(::connect(number_, to, length) == 0) {}

  int number_;
  bool connected_;
  std::string received_;
  bool ended_ = false;
  bool reset_ = false;
};

}  // namespace sidemeter::test
