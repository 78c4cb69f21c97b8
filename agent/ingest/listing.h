// Answers `sessions` and `families` (PROTOCOL.md, "Listings"), a line at a time: what is listed
// may come and go between two of them.
#pragma once

#include <cstdint>
#include <string>

#include "agent/ingest/ingest_room.h"
#include "proto/hello.h"

namespace sidemeter {

class Listing {
 public:
  // `room` must outlive the listing.
  Listing(const IngestRoom& room, Question question) : room_(room), question_(question) {}

  enum class State : std::uint8_t { kMore, kEnd };

  // Appends the next line. After kEnd nothing follows.
  State next(std::string& out);

 private:
  State next_session(std::string& out);
  State next_family(std::string& out);

  const IngestRoom& room_;
  const Question question_;
  std::uint64_t next_ = 0;  // a session's number, or a family's place
  std::uint64_t lines_ = 0;
};

}  // namespace sidemeter
