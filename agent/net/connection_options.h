// The deadlines and bounds of a connection, and the words for how one ended.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sidemeter {

enum class CloseReason : std::uint8_t {
  kPeer,           // the peer closed or was reset
  kSession,        // the session had said all
  kIdle,           // idle_ms passed
  kDeadline,       // partial_ms passed within a message
  kWriteStall,     // write_stall_ms passed and the peer took nothing
  kReplyOverflow,  // more than pending_bytes wait for a peer that does not read
  kError,          // of the operating system
  kShutdown,       // the agent ends
};

inline constexpr std::array<std::string_view, 8> kCloseReasonWords = {
    "peer", "session", "idle", "deadline", "write_stall", "reply_overflow", "error", "shutdown",
};

// Deadlines of 0 are none.
struct ConnectionOptions {
  std::uint64_t opening_ms =
      0;  // from the accept on, while the session says kOpening; 0: it never does
  std::uint64_t idle_ms = 0;  // between two messages
  std::uint64_t partial_ms =
      0;  // from the first kPartial of a message; trickling does not extend it
  std::uint64_t write_stall_ms = 0;  // a pending write without any progress

  // Read in one turn of the loop; the next turn's begins when the others have had theirs.
  std::size_t turn_bytes = 64 * 1024;

  // While more than `pending_bytes` wait for the peer, nothing is read from it. With kClose one
  // that takes none of it for a second is closed: a peer that reads what it asked for never is.
  enum class Full : std::uint8_t { kPauseReading, kClose };
  std::size_t pending_bytes = 64 * 1024;
  Full full = Full::kPauseReading;
};

}  // namespace sidemeter
