#include "agent/net/listener.h"

#include <sys/resource.h>

#include "tests/agent/net/room.h"

namespace sidemeter::test {

TEST_CASE("a Unix peer is known by the kernel's word") {
  Room room;
  auto client = room.unix_client();

  client.send("hello\n");

  REQUIRE(room.receives(client, "hello\n"));
  CHECK(room.peer.pid == ::getpid());
  CHECK(room.peer.uid == ::geteuid());
  CHECK(room.peer.gid == ::getegid());
}

TEST_CASE("a peer that is not admitted is closed and counted") {
  Room room;
  room.door.admit = [](const Peer&) { return ListenerDoor::Admission::kForbidden; };
  auto client = room.unix_client();

  CHECK(room.ends(client));
  CHECK(client.received().empty());
  CHECK(room.stats.refused_peer == 1);
  CHECK(room.stats.open == 0);
}

TEST_CASE("one of too many of its kind is closed and counted apart") {
  Room room;
  room.door.admit = [](const Peer&) { return ListenerDoor::Admission::kTooMany; };
  auto client = room.unix_client();

  CHECK(room.ends(client));
  CHECK(room.stats.refused_many == 1);
  CHECK(room.stats.refused_peer == 0);
}

TEST_CASE("who has closed is read to the end when it is asked for, without a turn of the loop") {
  ConnectionOptions options;
  options.turn_bytes = 1'024;
  Room room(options);
  auto open = room.unix_client();
  auto half = room.unix_client();
  auto gone = room.unix_client();
  room.until([&] { return room.stats.open == 3; });
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += std::string(999, 'x') + "\n";
  REQUIRE(gone.send(lines) == lines.size());
  gone.close();
  half.send("drop\n");
  half.end();

  room.listener->read_closed();

  CHECK(room.heard.size() == lines.size() + 5);
  CHECK(room.closed(CloseReason::kPeer) >= 1);
  open.send("hello\n");
  CHECK(room.receives(open, "hello\n"));
  CHECK(room.receives(half, "end\n"));
  CHECK(room.stats.open == 1);
}

TEST_CASE("past the cap a peer hears why, and the others go on") {
  Room room({}, 1);
  room.door.no_room = "no room\n";
  auto first = room.tcp_client();
  room.until([&] { return room.stats.open == 1; });
  auto second = room.tcp_client();
  second.send("hello\n");

  REQUIRE(room.ends(second));
  CHECK(second.received() == "no room\n");
  CHECK(room.stats.refused_limit == 1);
  CHECK(room.stats.told_no_room == 1);
  first.send("hello\n");
  CHECK(room.receives(first, "hello\n"));
}

TEST_CASE("past the cap a peer is closed in silence where there is nothing to say") {
  Room room({}, 1);
  auto first = room.unix_client();
  room.until([&] { return room.stats.open == 1; });
  auto second = room.unix_client();

  CHECK(room.ends(second));
  CHECK(room.stats.refused_limit == 1);
  CHECK(room.stats.open == 1);
}

TEST_CASE("a flood past the cap is bounded: not everybody hears why") {
  Room room({}, 1);
  room.door.no_room = "no room\n";
  auto first = room.tcp_client();
  room.until([&] { return room.stats.open == 1; });
  std::vector<ClientSocket> flood;

  for (int i = 0; i < 100; ++i) flood.push_back(room.tcp_client());

  REQUIRE(room.until([&] { return room.stats.refused_limit == 100; }));
  CHECK(room.stats.told_no_room >= 64);
  CHECK(room.stats.told_no_room < 100);
  for (ClientSocket& client : flood) CHECK(room.ends(client));
}

TEST_CASE("a place that becomes free is given again") {
  Room room({}, 1);
  {
    auto first = room.unix_client();
    room.until([&] { return room.stats.open == 1; });
  }
  REQUIRE(room.until([&] { return room.stats.open == 0; }));

  auto second = room.unix_client();
  second.send("hello\n");

  CHECK(room.receives(second, "hello\n"));
  CHECK(room.stats.accepted == 2);
}

TEST_CASE("two listeners that share their stats share the cap") {
  Room room({}, 1);
  auto first = room.unix_client();
  room.until([&] { return room.stats.open == 1; });
  auto bound = listen_tcp("127.0.0.1:0");
  REQUIRE(bound);
  Listener other(*room.loop, std::move(bound->socket), Transport::kTcp, room.options, room.door,
                 room.stats);

  auto second = ClientSocket::tcp(bound->address);

  CHECK(room.ends(second));
  CHECK(room.stats.refused_limit == 1);
}

TEST_CASE("without descriptors the listener waits, says so once, and goes on later") {
  Room room;
  auto first = room.unix_client();
  first.send("one\n");
  REQUIRE(room.receives(first, "one\n"));
  auto second = room.unix_client();
  second.send("two\n");
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 0;

  ::setrlimit(RLIMIT_NOFILE, &none);
  const bool tried_again = room.until([&] { return room.stats.accept_errors >= 3; });
  const std::size_t warnings = room.warnings.size();
  ::setrlimit(RLIMIT_NOFILE, &before);

  CHECK(tried_again);
  CHECK(warnings == 1);
  CHECK(room.receives(second, "two\n"));
}

TEST_CASE("whoever waits in the backlog of a stopping listener is still served") {
  Room room({}, 300);
  auto warm = room.unix_client();
  std::vector<ClientSocket> waiting;
  for (int i = 0; i < 200; ++i) {
    waiting.push_back(room.unix_client());
    waiting.back().send("drop\n");
    waiting.back().close();
  }

  CHECK(room.drains());

  CHECK(room.stats.accepted == 201);
  CHECK(room.heard.size() == 200 * 5);
}

TEST_CASE("a drained listener takes nobody") {
  Room room;
  auto first = room.tcp_client();
  REQUIRE(room.drains());

  CHECK_FALSE(ClientSocket::tcp(room.address).connected());
}

TEST_CASE("a listener that is destroyed closes its connections at once") {
  Room room;
  auto client = room.tcp_client();
  client.send("more 1000\n");
  room.until([&] {
    client.read();
    return !client.received().empty();
  });

  room.listener.reset();

  CHECK(room.ends(client));
  CHECK(room.stats.open == 0);
  CHECK(room.closed(CloseReason::kShutdown) == 1);
}

TEST_CASE("400 connections live side by side") {
  Room room({}, 400);
  std::vector<ClientSocket> clients;
  for (int i = 0; i < 400; ++i) {
    clients.push_back(room.unix_client());
    clients.back().send("stuck in the middle of a line");
    room.turn();
  }

  clients[200].send("\n");

  CHECK(room.receives(clients[200], "stuck in the middle of a line\n"));
  CHECK(room.stats.open == 400);
}

}  // namespace sidemeter::test
