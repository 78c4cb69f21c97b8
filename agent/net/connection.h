// Carries bytes between one accepted socket and a Session, and keeps the deadlines.
//
// Reads into the loop's one buffer; writes what the session appended. A reply of
// many slices goes out one at a time, each through the loop. Closing is graceful: what was written
// leaves first, then our side is shut, and for a moment what the peer still sends is
// drained, since closing over unread input resets the connection and destroys the reply in flight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "agent/net/connection_options.h"
#include "agent/net/descriptor.h"
#include "agent/net/handle.h"
#include "agent/net/next_turn.h"
#include "agent/session.h"

namespace sidemeter {

class Loop;

class Connection {
 public:
  // Owns connections; told by the last statement of whatever ends one.
  class Owner {
   public:
    virtual void forget(Connection& connection, CloseReason reason) = 0;

   protected:
    ~Owner() = default;
  };

  // All but `session` must outlive the connection.
  Connection(Loop& loop, Owner& owner, const ConnectionOptions& options,
             std::unique_ptr<Session> session);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Takes the socket and begins to read. Below 0 (libuv's error) the connection is of no use.
  int open(Descriptor socket, Transport transport);

  // In place of reading, and without a session: says this, and closes.
  void refuse(std::string last_word);

  // Whether the session has not begun its first message (Next::kOpening).
  bool is_opening() const { return next_ == Next::kOpening; }

  // Ends one that is opening, as if its deadline had passed, and at once.
  void cut();

  // Ends what has passed its deadline; called a few times a second.
  void check();

  // The peer has closed: reads some of what it left behind, or its end. False when nothing more
  // is to be read. The connection may be forgotten in this.
  enum class Closed : std::uint8_t { kForWriting, kWholly };
  bool read_left_behind(Closed closed);

  // Called until the connection is forgotten: ends as soon as what the socket holds is read and
  // answered. A Unix socket takes nothing new from the first call on.
  void drain();

  int descriptor() const;  // -1 before open()

 private:
  struct Callbacks;
  struct Write;

  void receive(std::string_view bytes);
  void wake();
  void lose_reader();
  void lose_reply();
  void end_turn();
  void reach_end();
  void written(std::unique_ptr<Write> write, int status);
  void follow(Next next);
  Next after_end(Next next);
  void flush();
  void linger();
  void part(CloseReason reason);
  void leave(CloseReason reason);
  void fail(int error);
  std::span<char> turn_buffer() const;
  void update_reading();
  void check_write();
  std::size_t pending_bytes() const;
  bool is_full() const;
  bool between_messages() const {
    return next_ == Next::kIdle || next_ == Next::kPartial || next_ == Next::kOpening;
  }

  Loop& loop_;
  Owner& owner_;
  const ConnectionOptions& options_;
  std::unique_ptr<Session> session_;
  Handle<uv_stream_s> stream_;
  Transport transport_ = Transport::kTcp;
  std::string out_;               // said by the session, not yet handed to libuv
  std::unique_ptr<Write> write_;  // null while in flight: then it is libuv's until the callback
  Next next_;
  CloseReason reason_ = CloseReason::kSession;  // what will be told when it ends in good order
  std::unique_ptr<NextTurn> next_turn_;         // made at the first need
  bool turn_over_ = false;                      // as much was read as one turn is for
  bool reading_ = false;
  bool at_end_ = false;     // the peer sends nothing more
  bool finished_ = false;   // and the session knows
  bool deaf_ = false;       // the peer reads nothing more: replies go nowhere
  bool lingering_ = false;  // all was said; what comes is dropped
  bool draining_ = false;
  std::uint64_t since_ms_ = 0;           // idle, partial or lingering: since when
  std::uint64_t progress_ms_ = 0;        // of the write in flight: when it last moved
  std::size_t progress_left_bytes_ = 0;  // and how much was left then
};

}  // namespace sidemeter
