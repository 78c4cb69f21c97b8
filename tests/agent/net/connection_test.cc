#include "agent/net/connection.h"

#include "tests/agent/net/room.h"

namespace sidemeter::test {

// Answers everything, and tells when it was finished.
class Ending final : public Session {
 public:
  explicit Ending(bool& finished) : finished_(finished) {}
  Next receive(std::string_view, std::string& out) override {
    out += "heard\n";
    return Next::kIdle;
  }
  Next finish(std::string&) override {
    finished_ = true;
    return Next::kClose;
  }

 private:
  bool& finished_;
};

// Notes how much it was given at a time.
class Noting final : public Session {
 public:
  explicit Noting(std::vector<std::string>& notes) : notes_(notes) {}
  Next receive(std::string_view in, std::string&) override {
    notes_.push_back(in.substr(0, 1).data()[0] + std::to_string(in.size()));
    return Next::kIdle;
  }

 private:
  std::vector<std::string>& notes_;
};

// Has more to say than anybody reads, and hears what comes all the same.
class Talking final : public Session {
 public:
  Talking(bool& unheard, bool& finished) : unheard_(unheard), finished_(finished) {}
  Next receive(std::string_view, std::string& out) override { return resume(out); }
  Next resume(std::string& out) override {
    out.append(64 * 1024, '.');
    return Next::kMore;
  }
  Next lose_reader() override {
    unheard_ = true;
    return Next::kIdle;
  }
  Next finish(std::string&) override {
    finished_ = true;
    return Next::kClose;
  }

 private:
  bool& unheard_;
  bool& finished_;
};

using Full = ConnectionOptions::Full;

TEST_CASE("bytes reach the session and its answer comes back") {
  Room room;
  auto client = room.tcp_client();

  client.send("hello\n");

  CHECK(room.receives(client, "hello\n"));
  CHECK(room.stats.open == 1);
}

TEST_CASE("a message that comes byte by byte is answered once it is whole") {
  Room room;
  auto client = room.unix_client();

  for (const char byte : std::string("one\ntwo\n")) {
    client.send({&byte, 1});
    room.turn();
  }

  CHECK(room.receives(client, "one\ntwo\n"));
}

TEST_CASE("a long reply runs slice by slice, and what was sent meanwhile waits for its turn") {
  Room room;
  auto client = room.tcp_client();

  client.send("more 40\nafter\n");
  room.until([&] {
    client.read();
    return client.received().ends_with("after\n");
  });

  CHECK(client.received() == std::string(40 * 64 * 1024, '.') + "after\n");
}

TEST_CASE("a reader that takes nothing does not make the reply pile up") {
  Room room;
  auto slow = room.unix_client();
  auto other = room.unix_client();

  slow.send("more 2000\n");
  other.send("hello\n");

  CHECK(room.receives(other, "hello\n"));
  // Whatever the kernel holds of 125 MB, the rest is not produced yet: it comes when it is read.
  CHECK(room.until([&] {
    slow.read();
    return slow.received().size() == std::size_t{2000} * 64 * 1024;
  }));
}

TEST_CASE("a session that closes has its last words delivered, then the connection ends") {
  Room room;
  auto client = room.tcp_client();

  client.send("bye\n");

  REQUIRE(room.ends(client));
  CHECK(client.received() == "bye\n");
  client.close();
  CHECK(room.until([&] { return room.closed(CloseReason::kSession) == 1; }));
}

TEST_CASE("unread input does not destroy the last words") {
  Room room;
  auto client = room.tcp_client();

  client.send("bye\n" + std::string(100'000, 'x'));

  REQUIRE(room.ends(client));
  CHECK(client.received() == "bye\n");
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("a peer that never closes is left after a moment") {
  Room room;
  auto client = room.tcp_client();

  client.send("bye\n");

  CHECK(room.until([&] { return room.closed(CloseReason::kSession) == 1; }));
}

TEST_CASE("a peer that has ended is told the rest, and the session hears of the end") {
  Room room;
  auto client = room.tcp_client();

  client.send("one\n");
  client.end();

  REQUIRE(room.ends(client));
  CHECK(client.received() == "one\nend\n");
  CHECK(room.closed(CloseReason::kPeer) == 1);
}

TEST_CASE("the end is told to the session only when a long reply has run to its own") {
  Room room;
  auto client = room.unix_client();

  client.send("more 20\n");
  client.end();

  REQUIRE(room.ends(client));
  CHECK(client.received() == std::string(20 * 64 * 1024, '.') + "end\n");
}

TEST_CASE("an end within a message is told as such") {
  Room room;
  auto client = room.unix_client();

  client.send("torn");
  client.end();

  REQUIRE(room.ends(client));
  CHECK(client.received() == "torn\n");
}

TEST_CASE("a peer that vanishes in the middle of a reply is forgotten") {
  Room room;
  auto client = room.tcp_client();
  client.send("more 1000\n");
  room.until([&] {
    client.read();
    return !client.received().empty();
  });

  client.close();

  CHECK(room.until([&] { return room.stats.open == 0; }));
  CHECK(room.closed(CloseReason::kPeer) == 1);
}

TEST_CASE("all that a peer sent before it closed is heard, though its replies reach nobody") {
  Room room;
  auto client = room.unix_client();
  std::string lines;
  for (int i = 0; i < 150; ++i) lines += std::string(999, 'x') + "\n";

  REQUIRE(client.send(lines) == lines.size());
  client.close();

  CHECK(room.until([&] { return room.closed(CloseReason::kPeer) == 1; }));
  CHECK(room.heard == lines);
}

TEST_CASE("a session hears of the end also when its peer left replies unread") {
  Room room;
  bool finished = false;
  room.door.open_session = [&](const Peer&) { return std::make_unique<Ending>(finished); };
  auto client = room.unix_client();
  client.send("hello\n");
  room.turn();

  client.close();

  CHECK(room.until([&] { return room.closed(CloseReason::kPeer) == 1; }));
  CHECK(finished);
}

TEST_CASE("a session in the middle of a reply hears that nobody reads it, and then of the end") {
  Room room;
  bool unheard = false;
  bool finished = false;
  room.door.open_session = [&](const Peer&) {
    return std::make_unique<Talking>(unheard, finished);
  };
  auto client = room.unix_client();
  client.send("hello\n");
  room.turn();

  client.close();

  CHECK(room.until([&] { return room.closed(CloseReason::kPeer) == 1; }));
  CHECK(unheard);
  CHECK(finished);
}

TEST_CASE("a flood is read a turn's bytes at a time: at the limit, and one past it") {
  for (const std::size_t flood : {4'096u, 4'097u}) {
    ConnectionOptions options;
    options.turn_bytes = 4'096;
    Room room(options);
    std::vector<std::string> notes;
    room.door.open_session = [&](const Peer&) { return std::make_unique<Noting>(notes); };
    auto loud = room.unix_client();
    auto polite = room.unix_client();
    room.until([&] { return room.stats.open == 2; });

    loud.send(std::string(flood, 'l'));
    polite.send("p");

    const std::size_t pieces = flood == 4'096 ? 2 : 3;
    CHECK(room.until([&] { return notes.size() == pieces; }));
    CHECK(notes[0] == "l4096");
    CHECK(notes[1] == "p1");
    if (pieces == 3) CHECK(notes[2] == "l1");
  }
}

TEST_CASE("an idle connection is closed after its time") {
  ConnectionOptions options;
  options.idle_ms = 1;
  Room room(options);
  auto client = room.tcp_client();

  CHECK(room.ends(client));
  CHECK(room.closed(CloseReason::kIdle) == 1);
}

TEST_CASE("trickling bytes do not extend the deadline of a message") {
  ConnectionOptions options;
  options.partial_ms = 600;
  Room room(options);
  auto client = room.tcp_client();

  room.until([&] {
    client.send("x");
    client.read();
    return client.ended();
  });

  CHECK(client.received() == "late\n");
  CHECK(room.until([&] { return room.closed(CloseReason::kDeadline) == 1; }));
}

TEST_CASE("the deadline of a message does not run between two messages") {
  ConnectionOptions options;
  options.partial_ms = 1;
  options.idle_ms = 700;
  Room room(options);
  auto client = room.tcp_client();

  client.send("whole\n");

  REQUIRE(room.ends(client));
  CHECK(client.received() == "whole\n");
  CHECK(room.closed(CloseReason::kIdle) == 1);
}

TEST_CASE("a reader that takes nothing is closed after its time") {
  ConnectionOptions options;
  options.write_stall_ms = 300;
  Room room(options);
  auto client = room.tcp_client();

  client.send("more 2000\n");

  CHECK(room.until([&] { return room.closed(CloseReason::kWriteStall) == 1; }));
}

TEST_CASE("replies that nobody reads are bounded, and past the bound the connection is closed") {
  ConnectionOptions options;
  options.full = Full::kClose;
  options.pending_bytes = 64 * 1024;
  Room room(options);
  auto client = room.unix_client();
  const std::string line(1000, 'x');

  const bool closed = room.until([&] {
    client.send(line + "\n");
    return room.closed(CloseReason::kReplyOverflow) == 1;
  });

  CHECK(closed);
}

TEST_CASE("a client that never reads is read on, up to the bound") {
  ConnectionOptions options;
  options.full = Full::kClose;
  options.pending_bytes = 64 * 1024 * 1024;
  Room room(options);
  auto client = room.unix_client();
  std::string unsent;
  for (int i = 0; i < 4'000; ++i) unsent += std::string(999, 'x') + "\n";
  const std::size_t whole = unsent.size();

  const bool all_heard = room.until([&] {
    unsent.erase(0, client.send(unsent));
    return room.heard.size() == whole;
  });

  CHECK(all_heard);
}

TEST_CASE("with pausing, a client that never reads is not read on, and loses nothing") {
  ConnectionOptions options;
  options.full = Full::kPauseReading;
  options.pending_bytes = 1'000;
  Room room(options);
  auto client = room.unix_client();
  std::string unsent;
  for (int i = 0; i < 4'000; ++i) unsent += std::string(999, 'x') + "\n";
  const std::string whole = unsent;

  for (int i = 0; i < 100; ++i) {
    unsent.erase(0, client.send(unsent));
    room.turn();
  }
  CHECK(room.heard.size() < whole.size());
  const bool answered = room.until([&] {
    unsent.erase(0, client.send(unsent));
    client.read();
    return client.received().size() == whole.size();
  });

  CHECK(answered);
}

TEST_CASE("a stopping agent applies all that a Unix client had sent and closed") {
  Room room;
  auto client = room.unix_client();
  std::string records;
  for (int i = 0; i < 1'000; ++i) records += "drop\n";
  client.send(records);
  client.close();

  CHECK(room.drains());

  CHECK(room.heard == records);
}

TEST_CASE("a stopping agent applies what an open Unix session had sent, and takes no more") {
  Room room;
  auto client = room.unix_client();
  room.until([&] { return room.stats.open == 1; });
  std::string records;
  for (int i = 0; i < 1'000; ++i) records += "drop\n";
  client.send(records);

  CHECK(room.drains());

  CHECK(room.heard == records);
  CHECK(room.closed(CloseReason::kShutdown) == 1);
  CHECK(client.send("drop\n") == 0);
}

TEST_CASE("a stopping agent finishes the reply in flight and closes idle connections") {
  Room room;
  auto idle = room.tcp_client();
  auto busy = room.tcp_client();
  room.until([&] { return room.stats.open == 2; });
  busy.send("more 100\n");

  const bool drained = room.until([&] {
    room.listener->drain();
    busy.read();
    return room.listener->is_drained();
  });

  CHECK(drained);
  busy.read();
  CHECK(busy.received().size() == std::size_t{100} * 64 * 1024);
  CHECK(room.closed(CloseReason::kShutdown) == 2);
  idle.read();
  CHECK(idle.ended());
}

}  // namespace sidemeter::test
