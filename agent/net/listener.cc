#include "agent/net/listener.h"

#include <poll.h>
#include <sys/socket.h>
#include <uv.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "agent/net/loop.h"

namespace sidemeter {
namespace {

// Accepted in one turn; the others wait for the next, and the connections that stand get theirs.
constexpr int kAcceptsPerTurn = 64;

// How long no connection is taken when there is no descriptor for it.
constexpr std::uint64_t kBackOffMs = 100;

constexpr std::uint64_t kSweepMs = 250;

Peer peer_of(int descriptor) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return {};
  return {credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace

// accept() is ours and not libuv's: libuv 1.44 takes the whole backlog at once and, out of
// descriptors, drops connections without a word or spins.
Listener::Listener(Loop& loop, Descriptor socket, Transport transport, ListenerOptions options,
                   ListenerDoor door, ListenerStats& stats)
    : loop_(loop),
      socket_(std::move(socket)),
      transport_(transport),
      options_(options),
      door_(std::move(door)),
      stats_(stats),
      retry_(loop, [this] { watch(); }),
      sweep_(loop, [this] { sweep(&Connection::check); }) {
  RawHandle<uv_poll_t> raw;
  const int error = uv_poll_init(loop.raw(), raw.get(), socket_.get());
  if (error < 0) {
    door_.warn("cannot watch a listening socket", uv_strerror(error));
    return;
  }
  poll_ = raw.own(this);
  watch();
}

Listener::~Listener() {
  while (!connections_.empty()) {
    forget(*connections_.front().connection, CloseReason::kShutdown);
  }
}

void Listener::watch() {
  if (!poll_) return;
  uv_poll_start(poll_.get(), UV_READABLE, [](uv_poll_t* poll, int, int) noexcept {
    if (poll->data != nullptr) static_cast<Listener*>(poll->data)->accept_some();
  });
}

void Listener::accept_some() {
  for (int taken = 0; taken < kAcceptsPerTurn; ++taken) {
    Descriptor socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      admit(std::move(socket));
      continue;
    }
    if (errno == EAGAIN) return;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      return back_off(errno);
    }
    // Others are of the connection, which left before it was taken (accept(2), "Error handling").
  }
}

void Listener::back_off(int error) {
  ++stats_.accept_errors;
  uv_poll_stop(poll_.get());
  retry_.start(kBackOffMs);
  if (std::exchange(told_of_error_, true)) return;
  door_.warn("cannot accept connections, trying again every 100 ms", std::strerror(error));
}

void Listener::admit(Descriptor socket) {
  const Peer peer = transport_ == Transport::kUnix ? peer_of(socket.get()) : Peer{};
  const auto admission = door_.admit(peer);
  if (admission == ListenerDoor::Admission::kForbidden) {
    ++stats_.refused_peer;
    return;
  }
  make_room_to_open();
  if (stats_.open >= options_.max_connections) return refuse(std::move(socket));
  if (admission == ListenerDoor::Admission::kTooMany) {
    ++stats_.refused_many;
    return;
  }
  ++stats_.accepted;
  ++stats_.open;
  Connection* connection = adopt(door_.open_session(peer), Entry::Kind::kServed);
  const int error = connection->open(std::move(socket), transport_);
  if (error < 0) forget(*connection, CloseReason::kError);
}

// Who waits longest for a silent peer makes room: to refuse newcomers would let silence shut
// everybody out. The newest stands in front.
void Listener::make_room_to_open() {
  if (options_.max_opening == 0) return;
  std::size_t opening = 0;
  Connection* oldest = nullptr;
  for (const Entry& entry : connections_) {
    if (entry.kind != Entry::Kind::kServed || !entry.connection->is_opening()) continue;
    ++opening;
    oldest = entry.connection.get();
  }
  if (opening >= options_.max_opening) oldest->cut();
}

void Listener::refuse(Descriptor socket) {
  ++stats_.refused_limit;
  if (door_.no_room.empty() || refusing_ >= kMaxRefusing) return;
  ++refusing_;
  Connection* connection = adopt(nullptr, Entry::Kind::kRefused);
  if (connection->open(std::move(socket), transport_) < 0) {
    return forget(*connection, CloseReason::kError);
  }
  ++stats_.told_no_room;
  connection->refuse(door_.no_room);
}

Connection* Listener::adopt(std::unique_ptr<Session> session, Entry::Kind kind) {
  if (connections_.empty()) sweep_.start(kSweepMs, kSweepMs);
  Connection::Owner& owner = *this;
  connections_.push_front(
      {std::make_unique<Connection>(loop_, owner, options_.connection, std::move(session)), kind});
  Connection* connection = connections_.front().connection.get();
  places_.emplace(connection, connections_.begin());
  return connection;
}

void Listener::forget(Connection& connection, CloseReason reason) {
  const auto place = places_.find(&connection);
  const auto entry = place->second;
  if (entry->kind == Entry::Kind::kServed) {
    --stats_.open;
    ++stats_.closed[static_cast<std::size_t>(reason)];
  } else {
    --refusing_;
  }
  places_.erase(place);
  connections_.erase(entry);
  if (connections_.empty()) sweep_.stop();
}

// A visited connection may be forgotten, no other.
void Listener::sweep(void (Connection::*visit)()) {
  for (auto entry = connections_.begin(); entry != connections_.end();) {
    Connection& connection = *(entry++)->connection;
    (connection.*visit)();
  }
}

void Listener::read_closed() {
  std::vector<pollfd> sockets;
  std::vector<Connection*> connections;
  for (const auto& entry : connections_) {
    sockets.push_back({entry.connection->descriptor(), POLLRDHUP, 0});
    connections.push_back(entry.connection.get());
  }
  if (::poll(sockets.data(), sockets.size(), 0) <= 0) return;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if ((sockets[i].revents & (POLLRDHUP | POLLHUP)) == 0) continue;
    const bool wholly = (sockets[i].revents & POLLHUP) != 0;
    const auto closed = wholly ? Connection::Closed::kWholly : Connection::Closed::kForWriting;
    while (places_.contains(connections[i]) && connections[i]->read_left_behind(closed)) {
    }
  }
}

void Listener::drain() {
  if (poll_) {
    pollfd waiting{socket_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 0) == 1) {
      accept_some();
    } else {
      retry_.stop();
      poll_.reset();
      socket_.close();
    }
  }
  sweep(&Connection::drain);
}

}  // namespace sidemeter
