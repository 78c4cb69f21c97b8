// Accepts connections and owns them. Stopping is drain(), then destroying the listener.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/net/connection.h"
#include "agent/net/connection_options.h"
#include "agent/net/descriptor.h"
#include "agent/net/handle.h"
#include "agent/net/timer.h"
#include "agent/session.h"

namespace sidemeter {

class Loop;

// Who connected. Known of a Unix socket only (SO_PEERCRED); pid is 0 across containers.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

// What became of connections. Listeners of one kind share one, and with it the
// cap; it outlives them. Only `open` ever falls.
struct ListenerStats {
  std::size_t open = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused_limit = 0;  // past the cap
  std::uint64_t told_no_room = 0;   // of those: that heard so
  std::uint64_t refused_peer = 0;   // forbidden
  std::uint64_t refused_many = 0;   // too many of its kind
  std::uint64_t accept_errors = 0;  // no descriptors or no memory
  std::array<std::uint64_t, kCloseReasonWords.size()> closed{};
};

// What the listener asks of those above it.
struct ListenerDoor {
  std::function<std::unique_ptr<Session>(const Peer&)> open_session;

  enum class Admission : std::uint8_t { kAdmit, kForbidden, kTooMany };
  std::function<Admission(const Peer&)> admit = [](const Peer&) { return Admission::kAdmit; };

  // What a peer past the cap hears before it is closed; nothing where empty.
  std::string no_room;

  // A fixed sentence and its cause.
  std::function<void(std::string_view, std::string)> warn = [](std::string_view, std::string) {};
};

struct ListenerOptions {
  std::size_t max_connections;  // of all listeners that share the stats
  ConnectionOptions connection;
  std::size_t max_opening =
      0;  // of one listener, in Next::kOpening; past it the oldest is cut. 0: any
};

class Listener final : private Connection::Owner {
 public:
  // `socket` listens already and does not block. `loop` and `stats` must outlive the listener.
  Listener(Loop& loop, Descriptor socket, Transport transport, ListenerOptions options,
           ListenerDoor door, ListenerStats& stats);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Called again and again, a turn of the loop in between: takes what waits in the backlog, stops
  // accepting, and lets each connection end (Connection::drain).
  void drain();
  bool is_drained() const { return !poll_ && connections_.empty(); }

  // Reads to its end each connection whose peer has closed. The kernel tells of them in its own
  // order and a long rest takes several turns: whoever must know now who has left asks here.
  void read_closed();

 private:
  // Refused ones that are still told so; past this many they are just closed.
  static constexpr std::size_t kMaxRefusing = 64;

  struct Entry {
    std::unique_ptr<Connection> connection;
    enum class Kind : std::uint8_t { kServed, kRefused } kind;
  };

  void watch();
  void accept_some();
  void back_off(int error);
  void admit(Descriptor socket);
  void make_room_to_open();
  void refuse(Descriptor socket);
  Connection* adopt(std::unique_ptr<Session> session, Entry::Kind kind);
  void forget(Connection& connection, CloseReason reason) override;
  void sweep(void (Connection::*visit)());

  Loop& loop_;
  Descriptor socket_;
  const Transport transport_;
  const ListenerOptions options_;
  const ListenerDoor door_;
  ListenerStats& stats_;
  Handle<uv_poll_s> poll_;
  Timer retry_;
  Timer sweep_;
  std::list<Entry> connections_;
  std::unordered_map<const Connection*, std::list<Entry>::iterator> places_;
  std::size_t refusing_ = 0;
  bool told_of_error_ = false;
};

}  // namespace sidemeter
