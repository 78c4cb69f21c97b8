// A tiny language for tests of the scrape session: requests in, replies out, as a carrier
// and a scraper would have them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>

#include "agent/scrape/scrape_session.h"
#include "tests/agent/metrics/rendering.h"
#include "tests/agent/scrape/received.h"
#include "tests/support/catch.h"

namespace sidemeter {

// What a session said, and what it wants then.
struct Heard {
  std::string bytes;
  Next next = Next::kIdle;
  std::size_t largest_step = 0;  // of bytes in one call
  std::size_t steps = 0;         // calls that had something to say
};

struct Scraper {
  Metrics metrics;
  ScrapeLimits limits;
  int updates = 0;  // of the self metrics
  double clock = 0;
  ScrapeRoom room{.registry = metrics.registry,
                  .limits = limits,
                  .options = {},
                  .stats = {},
                  .before_scrape = [this] { ++updates; },
                  .now = [this] { return clock += 0.5; },
                  .wall_clock = [] { return std::time_t{784'111'777}; }};

  void fill(int series) {
    for (int i = 0; i < series; ++i) {
      REQUIRE(metrics.apply("g big{i=\"" + std::to_string(i) + "\"} 1") == "");
    }
  }

  static void carry(ScrapeSession& session, Next next, std::string out, Heard& heard) {
    for (;;) {
      heard.largest_step = std::max(heard.largest_step, out.size());
      if (!out.empty()) ++heard.steps;
      heard.bytes += out;
      heard.next = next;
      if (next != Next::kMore) return;
      out.clear();
      next = session.resume(out);
    }
  }

  // In pieces, to one session, until it closes.
  Heard say_in_pieces(std::string_view bytes, std::size_t piece) {
    ScrapeSession session(room);
    Heard heard;
    for (std::size_t at = 0; at < bytes.size() && heard.next != Next::kClose; at += piece) {
      std::string out;
      const auto next = session.receive(bytes.substr(at, piece), out);
      carry(session, next, out, heard);
    }
    return heard;
  }

  // Whole and byte by byte: the same is heard.
  Heard say(std::string_view bytes) {
    const auto whole = say_in_pieces(bytes, bytes.size() + 1);
    const auto cut = say_in_pieces(bytes, 1);
    CHECK(cut.bytes == whole.bytes);
    CHECK(cut.next == whole.next);
    return whole;
  }
};

inline Received only_reply(const Heard& heard, To to = To::kOthers) {
  auto all = replies(heard.bytes, to);
  REQUIRE(all.size() == 1);
  return all.front();
}

}  // namespace sidemeter
