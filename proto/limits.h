// Every limit, with its default and its reason. A peer can grow nothing that
// is not named here. Each has a flag of the same name (`sidemeter serve --help`).
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/scrape_limits.h"

namespace sidemeter {

// What a pushing peer can use up.
struct PushLimits {
  // Bytes of a record before its LF. Also the most that a session buffers.
  std::size_t line_bytes = 64 * 1024;

  // Handles are an index into a table of the session.
  std::uint32_t handles_per_session = 16'384;

  // Series in all: with 250 bytes each, 25 MB.
  std::size_t series = 100'000;

  // Series of one family. Equal to the limit in all: lower it to keep one
  // careless label from using up everybody's room.
  std::size_t series_per_family = 100'000;

  // Series that stand and that one session has made. Equal to the limit in all: lower it to keep
  // one careless process from using up everybody's room.
  std::size_t series_per_session = 100'000;

  // Values that sessions keep of their own in gauges of a mode that gathers them: with 24 bytes
  // each, 24 MB.
  std::size_t gauge_values = 1'000'000;

  // A series that is not updated for so long is hidden from scrapes, unless its family says
  // another time. 0: never.
  std::uint64_t series_idle_ms = 0;

  // Families, declared or used: each costs some names and its HELP.
  std::size_t families = 10'000;

  // Prometheus itself advises against more than ten; 32 is what some stores take.
  std::size_t labels_per_series = 32;

  // A label value is an index key, not a log line.
  std::size_t label_value_bytes = 2 * 1024;

  // A metric or label name.
  std::size_t name_bytes = 512;

  std::size_t help_bytes = 4 * 1024;

  // Each costs a line in every scrape and eight bytes in every series.
  std::size_t buckets_per_histogram = 128;
  std::size_t states_per_stateset = 128;

  // Raw spellings of series remembered for the fast look-up, beyond the
  // canonical ones. A cache: when it is full it is emptied.
  std::size_t alias_bytes = 16 * 1024 * 1024;

  // Open sessions.
  std::size_t sessions = 1'024;

  // Of one user. Equal to the limit in all: lower it where users share an agent.
  std::size_t sessions_per_uid = 1'024;

  // Read from one session in a turn of the loop: some 600 records, well within a millisecond, in
  // JSON within two. Who sends more waits until the others have had their turn.
  std::size_t turn_bytes = 32 * 1024;

  // Replies that a session has not read yet; past it nothing is read from the session, and one that
  // takes none of them for a second is closed.
  std::size_t reply_bytes = 256 * 1024;
};

// Arrays in objects in an array is all that the protocol has.
inline constexpr std::size_t kMaxJsonDepth = 8;

// OpenMetrics 1.0, "Exemplars": UTF-8 characters of label names and values together.
inline constexpr std::size_t kMaxExemplarCharacters = 128;

// A client knows its own token by less.
inline constexpr std::size_t kMaxTokenBytes = 256;

// What a session says of itself (`instance`, `client`) is kept as long as it is open.
inline constexpr std::size_t kMaxHelloValueBytes = 256;

// Ten years: what is longer was a mistake in the unit.
inline constexpr std::uint32_t kMaxTtlSeconds = 3'650u * 24 * 60 * 60;

// Families whose refused series are counted by name; those of all others are counted together.
inline constexpr std::size_t kMaxOverflowFamilies = 100;

// What is said of a refused record: its message may repeat a part of the record.
inline constexpr std::size_t kMaxMessageBytes = 512;

}  // namespace sidemeter
