// Reads HTTP/1.x request heads, strictly: what two readers could understand
// differently is refused (RFC 9112; behaviour 6–8). Sans I/O.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "proto/limits.h"

namespace sidemeter::http {

// The part of a request that an answer depends on. A program that answers scrapes
// from a server of its own fills it by hand.
struct Request {
  std::string method = "GET";
  std::string target = "/";  // as on the request line, percent-encoded
  std::string accept;        // repeated fields joined by ", "
  std::string accept_encoding;
  std::string authorization;    // empty where there is none, or more than one
  int version = 11;             // 10 or 11
  bool keep_alive = true;       // after this one the connection may go on
  bool expects_other = false;   // an Expect other than 100-continue
  bool announces_body = false;  // Content-Length > 0 or any Transfer-Encoding
};

// Why a head was refused: an HTTP status and what was wanted.
struct HeadError {
  int status;
  std::string hint;
};

class RequestReader {
 public:
  // `limits` must outlive the reader.
  explicit RequestReader(const ScrapeLimits& limits) : limits_(limits) {}

  void push(std::string_view bytes);

  struct NeedMore {};
  using Outcome = std::variant<NeedMore, Request, HeadError>;

  // The next whole head. After a HeadError the reader is not used again.
  Outcome next();

  // Whether a head has begun and not ended.
  bool within_head() const { return begin_ < buffer_.size(); }

 private:
  Outcome take_head();
  void start_head();
  // What is wrong with the byte at scanned_, of which everything before it was right; status 0:
  // nothing.
  HeadError check_byte();

  const ScrapeLimits& limits_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of the head that is being read
  std::size_t scanned_ = 0;  // every byte before here has been looked at

  // Of the head that is being read.
  bool skipped_empty_line_ = false;  // before it
  bool in_request_line_ = true;
  std::size_t blanks_ = 0;        // in its request line, so far
  std::size_t target_bytes_ = 0;  // so far
};

}  // namespace sidemeter::http
