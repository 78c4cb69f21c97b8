// What a connection does for a session that opens, waits, or has a last word.
#include <memory>
#include <string>

#include "tests/agent/net/room.h"

namespace sidemeter::test {
namespace {

// "open" ends the handshake; each other byte before it is answered and opens nothing. Then "wait"
// is answered when somebody wakes the session.
class Knocking final : public Session {
 public:
  explicit Knocking(std::function<void()>& wake) : wake_(wake) {}

  void on_wake(std::function<void()> wake) override { wake_ = std::move(wake); }

  Next receive(std::string_view in, std::string& out) override {
    heard_ += in;
    if (heard_.find("wait") != std::string::npos) return Next::kWait;
    if (heard_.find("open") != std::string::npos) return Next::kIdle;
    out += "?";
    return Next::kOpening;
  }
  Next resume(std::string& out) override {
    heard_.clear();
    heard_ = "open";
    out += "woken";
    return Next::kIdle;
  }
  Next expire(std::string& out) override {
    out += "late";
    return Next::kClose;
  }
  void farewell(std::string& out) override { out += "bye"; }

 private:
  std::function<void()>& wake_;
  std::string heard_;
};

struct Door {
  explicit Door(ConnectionOptions connection, std::size_t max_opening = 0) : room(connection) {
    room.options.max_opening = max_opening;
    room.door.open_session = [this](const Peer&) { return std::make_unique<Knocking>(wake); };
  }

  std::function<void()> wake;
  Room room;
};

}  // namespace

TEST_CASE("the deadline of opening runs from the accept on, whatever the peer says meanwhile") {
  Door door({.opening_ms = 600, .idle_ms = 600'000});
  auto client = door.room.tcp_client();

  // Each of these is answered; a deadline that began anew with them would never come.
  CHECK(door.room.until([&] {
    client.send("x");
    client.read();
    return client.ended();
  }));

  CHECK(client.received().find("?late") != std::string::npos);
  client.close();
  CHECK(door.room.until([&] { return door.room.closed(CloseReason::kDeadline) == 1; }));
}

TEST_CASE("a silent peer is no exception") {
  Door door({.opening_ms = 1, .idle_ms = 600'000});
  auto client = door.room.tcp_client();

  CHECK(door.room.ends(client));
  CHECK(client.received() == "late");
}

TEST_CASE("once it is open that deadline is over") {
  Door door({.opening_ms = 1, .idle_ms = 0});
  auto client = door.room.tcp_client();
  client.send("open");
  CHECK(door.room.until([&] { return door.room.stats.accepted == 1; }));

  for (int turn = 0; turn < 400; ++turn) door.room.turn();

  client.read();
  CHECK_FALSE(client.ended());
}

TEST_CASE("past the cap the one that has waited longest makes room") {
  Door door({.opening_ms = 600'000}, 2);
  auto first = door.room.tcp_client();
  CHECK(door.room.until([&] { return door.room.stats.open == 1; }));
  auto second = door.room.tcp_client();
  CHECK(door.room.until([&] { return door.room.stats.open == 2; }));

  auto third = door.room.tcp_client();

  CHECK(door.room.ends(first));
  CHECK(door.room.stats.open == 2);
  third.send("x");
  CHECK(door.room.receives(third, "?"));
  second.read();
  CHECK_FALSE(second.ended());
}

TEST_CASE("an open one does not count, and is not cut") {
  Door door({.opening_ms = 600'000}, 1);
  auto open = door.room.tcp_client();
  open.send("open");
  CHECK(door.room.until([&] { return door.room.stats.open == 1; }));
  for (int turn = 0; turn < 20; ++turn) door.room.turn();

  auto next = door.room.tcp_client();
  next.send("x");

  CHECK(door.room.receives(next, "?"));
  CHECK(door.room.stats.open == 2);
}

TEST_CASE("a session that waits is resumed when it wakes, and not before") {
  Door door({.opening_ms = 600'000});
  auto client = door.room.tcp_client();
  client.send("wait");
  CHECK(door.room.until([&] { return door.room.stats.open == 1; }));
  client.send("more");
  for (int turn = 0; turn < 20; ++turn) door.room.turn();
  client.read();
  CHECK(client.received().empty());

  door.wake();

  CHECK(door.room.until([&] {
    client.read();
    return client.received().starts_with("woken");
  }));
}

TEST_CASE("a waiting session's peer that has ended is answered before it is closed") {
  Door door({.opening_ms = 600'000});
  auto client = door.room.tcp_client();
  client.send("wait");
  client.end();
  for (int turn = 0; turn < 20; ++turn) door.room.turn();

  door.wake();

  CHECK(door.room.ends(client));
  CHECK(client.received() == "woken");
}

TEST_CASE("an idle connection is closed with the session's last word") {
  Door door({.opening_ms = 600'000, .idle_ms = 1});
  auto client = door.room.tcp_client();
  client.send("open");

  CHECK(door.room.ends(client));
  CHECK(client.received() == "bye");
  client.close();
  CHECK(door.room.until([&] { return door.room.closed(CloseReason::kIdle) == 1; }));
}

TEST_CASE("an agent that ends has the last word too") {
  Door door({.opening_ms = 600'000});
  auto client = door.room.tcp_client();
  client.send("open");
  CHECK(door.room.until([&] { return door.room.stats.open == 1; }));
  for (int turn = 0; turn < 20; ++turn) door.room.turn();

  CHECK(door.room.drains());

  CHECK(door.room.ends(client));
  CHECK(client.received() == "bye");
}

}  // namespace sidemeter::test
