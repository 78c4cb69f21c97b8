// Reads HTTP/1.1 replies as a scraper does: status, fields, and the body out of its framing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace sidemeter {

struct Received {
  int status = 0;
  std::string head;  // status line and fields
  std::string body;

  std::string field(std::string_view name) const {
    const auto at = head.find("\r\n" + std::string(name) + ": ");
    if (at == std::string::npos) return "";
    const auto begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

// Takes `length` bytes off the front.
inline std::string take(std::string& bytes, std::size_t length) {
  REQUIRE(bytes.size() >= length);
  auto taken = bytes.substr(0, length);
  bytes.erase(0, length);
  return taken;
}

inline std::string take_line(std::string& bytes) {
  const auto end = bytes.find("\r\n");
  REQUIRE(end != std::string::npos);
  auto line = take(bytes, end);
  take(bytes, 2);
  return line;
}

// RFC 9112, 7.1.
inline std::string take_chunks(std::string& bytes) {
  std::string body;
  while (const auto size = std::stoul(take_line(bytes), nullptr, 16)) {
    body += take(bytes, size);
    CHECK(take_line(bytes).empty());
  }
  CHECK(take_line(bytes).empty());
  return body;
}

enum class To { kOthers, kHead };

// RFC 9112, 6.3: where each body ends.
inline std::vector<Received> replies(std::string bytes, To to = To::kOthers) {
  std::vector<Received> all;
  while (!bytes.empty()) {
    Received reply;
    const auto end = bytes.find("\r\n\r\n");
    REQUIRE(end != std::string::npos);
    reply.head = take(bytes, end + 2);
    take(bytes, 2);
    REQUIRE(reply.head.starts_with("HTTP/1.1 "));
    reply.status = std::stoi(reply.head.substr(9, 3));
    if (to == To::kHead) {
      // a reply to HEAD ends with its head
    } else if (reply.field("Transfer-Encoding") == "chunked") {
      reply.body = take_chunks(bytes);
    } else if (const auto length = reply.field("Content-Length"); !length.empty()) {
      reply.body = take(bytes, std::stoul(length));
    } else {
      CHECK(reply.field("Connection") == "close");
      reply.body = take(bytes, bytes.size());
    }
    all.push_back(std::move(reply));
  }
  return all;
}

}  // namespace sidemeter
