// A loop with a listener, turned by the test's own thread: a test may look at the stats in between.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/net/listener.h"
#include "agent/net/loop.h"
#include "agent/net/socket_file.h"
#include "agent/net/tcp_socket.h"
#include "agent/net/timer.h"
#include "tests/agent/net/line_echo.h"
#include "tests/support/catch.h"
#include "tests/support/client_socket.h"
#include "tests/support/temporary_folder.h"

namespace sidemeter::test {

inline std::unique_ptr<Loop> open_loop() {
  auto opened = Loop::open();
  REQUIRE(opened);
  return *std::move(opened);
}

class Room {
 public:
  explicit Room(ConnectionOptions connection = {}, std::size_t max_connections = 100)
      : options{max_connections, connection} {
    door.open_session = [this](const Peer& from) {
      peer = from;
      return std::make_unique<LineEcho>(heard);
    };
    door.warn = [this](std::string_view sentence, std::string cause) {
      warnings.push_back(std::string(sentence) + ": " + cause);
    };
  }

  ClientSocket tcp_client() {
    if (!listener) {
      auto bound = listen_tcp("127.0.0.1:0");
      REQUIRE(bound);
      address = bound->address;
      listen(std::move(bound->socket), Transport::kTcp);
    }
    return ClientSocket::tcp(address);
  }

  ClientSocket unix_client() {
    if (!listener) {
      auto bound = SocketFile::listen(folder / "s.sock", 0600, std::nullopt);
      REQUIRE(bound);
      file = *std::move(bound);
      listen(file->take(), Transport::kUnix);
    }
    return ClientSocket::unix_stream(folder / "s.sock");
  }

  void listen(Descriptor socket, Transport transport) {
    listener =
        std::make_unique<Listener>(*loop, std::move(socket), transport, options, door, stats);
  }

  void turn() {
    pause.start(1);
    loop->run();
  }
  // Turns the loop until `condition`, 20 s at most: true if it came.
  bool until(const std::function<bool()>& condition) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      turn();
    }
    return true;
  }

  bool receives(ClientSocket& client, const std::string& text) {
    return until([&] {
      client.read();
      return client.received() == text;
    });
  }

  bool ends(ClientSocket& client) {
    return until([&] {
      client.read();
      return client.ended();
    });
  }

  bool drains() {
    return until([this] {
      listener->drain();
      return listener->is_drained();
    });
  }

  std::uint64_t closed(CloseReason reason) const {
    return stats.closed[static_cast<std::size_t>(reason)];
  }

  TemporaryFolder folder;
  std::unique_ptr<Loop> loop = open_loop();
  Timer pause{*loop, [this] { loop->stop(); }};
  std::string heard;
  Peer peer;
  std::vector<std::string> warnings;
  ListenerOptions options;
  ListenerDoor door;
  ListenerStats stats;
  std::string address;
  std::unique_ptr<SocketFile> file;
  std::unique_ptr<Listener> listener;
};

}  // namespace sidemeter::test
