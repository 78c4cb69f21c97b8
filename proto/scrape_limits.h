// The limits of those who scrape: by HTTP, over TLS, and as a kubelet that probes. Included with
// all the others by limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sidemeter {

// What a scraping peer can use up (behaviour: HTTP limits).
struct ScrapeLimits {
  std::size_t head_bytes = 16 * 1024;
  std::size_t target_bytes = 8 * 1024;
  std::size_t header_fields = 100;
  std::size_t connections = 512;

  // Requests answered in one turn of the loop; what is pipelined past them
  // waits unread until these have left.
  std::size_t pipelined_requests = 16;

  // From the first byte of a head to its end.
  std::uint64_t head_deadline_ms = 10'000;

  // Keep-alive between two requests, and before the first byte of the first.
  std::uint64_t idle_timeout_ms = 120'000;

  // A reader that takes nothing for so long is closed.
  std::uint64_t write_stall_ms = 30'000;
};

// What a client can use up before it has shaken hands (behaviour: TLS).
struct TlsLimits {
  // From the accept to the last byte of the handshake: silence and trickling count alike.
  std::uint64_t handshake_deadline_ms = 5'000;

  // Under way at once, a listener. Past it the one that has waited longest is cut: silence shuts
  // nobody out. Less than connections, so that stalled ones leave room for those that are served.
  std::size_t handshakes = 256;

  // Steps of handshakes in one turn of the loop, each some milliseconds of cryptography; what
  // comes past them waits for the next turn, behind the scrapes of this one.
  std::size_t steps_per_turn = 4;
};

// Probes of /-/healthy and /-/ready: a kubelet has one at a time.
inline constexpr std::size_t kMaxHealthConnections = 16;

// One step of a streamed reply: what a scrape holds in memory, and how long
// it holds the loop.
inline constexpr std::size_t kSliceBytes = 64 * 1024;

}  // namespace sidemeter
