// One peer's conversation, without a socket: bytes in, bytes out, stay or close.
//
// Everything that talks on a socket is a Session. Whoever owns the socket (see
// agent/net/connection.h) carries the bytes and keeps the deadlines; TLS is
// a Session that wraps a Session. Tests talk to one with strings.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace sidemeter {

// What the carrier does after it has sent what a call appended to `out`.
enum class Next {
  kOpening,  // before the first message (a handshake): read on, its deadline runs from the accept
             // on
  kIdle,     // between two messages: read on, the idle timeout runs
  kPartial,  // within a message: read on, its deadline runs from the first kPartial on
  kMore,   // the reply is not complete: call resume() when `out` has left, read nothing until then
  kWait,   // the answer is made elsewhere: call resume() when the session wakes, read nothing until
           // then
  kClose,  // close once `out` has left; call nothing more
};

class Session {
 public:
  virtual ~Session() = default;

  // Takes bytes from the peer; appends to `out` what the peer should get.
  // `in` is not kept.
  virtual Next receive(std::string_view in, std::string& out) = 0;

  // Called when what was written has left and more follows: a long reply is
  // produced a slice at a time, so neither its length nor a slow reader costs
  // memory, and no slice holds the loop for long.
  virtual Next resume(std::string&) { return Next::kIdle; }

  // The peer sends nothing more but may still read. Never called while kMore or kWait
  // stands: the carrier lets the reply run to its end first.
  virtual Next finish(std::string&) { return Next::kClose; }

  // The peer reads nothing more, while kMore or kWait stands: what is said from now on goes nowhere. A
  // session whose only work is to talk ends.
  virtual Next lose_reader() { return Next::kClose; }

  // The deadline of a kOpening or kPartial has passed: a last word, if any.
  virtual Next expire(std::string&) { return Next::kClose; }

  // The carrier closes between two messages, since nothing came or the agent ends: a last word, if
  // any. Nothing is called after it.
  virtual void farewell(std::string&) {}

  // Given once, before anything else: what a session calls that said kWait and can go on. It is
  // called on the loop, from outside the session's own functions, and not after the session's end.
  virtual void on_wake(std::function<void()>) {}
};

}  // namespace sidemeter
