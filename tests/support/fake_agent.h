// An ingest socket in a folder of its own. It takes one connection, on a thread,
// and answers each line as the test says.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sidemeter::test {

class FakeAgent {
 public:
  // Gets a line without its LF; what it answers is written, and nothing closes.
  using Answer = std::function<std::optional<std::string>(const std::string& line)>;

  explicit FakeAgent(Answer answer) : answer_(std::move(answer)) {
    if (mkdtemp(folder_.data()) == nullptr) std::abort();
    path_ = folder_ + "/socket";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, path_.size());
    socket_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      std::abort();
    }
    listen(socket_, 1);
    thread_ = std::thread([this] { serve(); });
  }

  ~FakeAgent() {
    stop();
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }

  const std::string& path() const { return path_; }

  // Waits until the client has left; a second call does nothing.
  const std::vector<std::string>& stop() {
    if (thread_.joinable()) {
      shutdown(socket_, SHUT_RD);  // wakes an accept() that nobody has come to
      thread_.join();
      close(socket_);
    }
    return lines_;
  }

 private:
  void serve() {
    const int peer = accept(socket_, nullptr, nullptr);
    if (peer < 0) return;
    std::string text;
    char block[4096];
    for (ssize_t length = 0; (length = read(peer, block, sizeof block)) > 0;) {
      text.append(block, static_cast<std::size_t>(length));
      for (std::size_t end; (end = text.find('\n')) != std::string::npos;) {
        lines_.push_back(text.substr(0, end));
        text.erase(0, end + 1);
        const auto reply = answer_(lines_.back());
        if (!reply) {
          close(peer);
          return;
        }
        if (send(peer, reply->data(), reply->size(), MSG_NOSIGNAL) < 0) break;
      }
    }
    close(peer);
  }

  Answer answer_;
  std::string folder_ = "/tmp/sidemeter-test-XXXXXX";
  std::string path_;
  int socket_ = -1;
  std::vector<std::string> lines_;
  std::thread thread_;
};

}  // namespace sidemeter::test
