#include "agent/self_metrics.h"

#include <set>
#include <sstream>

#include "agent/metrics/exposition.h"
#include "agent/version.h"
#include "tests/support/catch.h"

namespace sidemeter::test {
namespace {

struct Room {
  std::string scrape() {
    metrics.update();
    Exposition exposition(registry, {});
    std::string text;
    while (exposition.next(text) == Exposition::State::kMore) {
    }
    return text;
  }

  bool shows(const std::string& line) {
    return scrape().find("\n" + line + "\n") != std::string::npos;
  }

  PushLimits push_limits;
  ScrapeLimits scrape_limits;
  IngestStats ingest;
  ScrapeStats scrapes;
  ListenerStats sessions;
  ListenerStats connections;
  double lag = 0;
  Registry registry{push_limits, [] { return 1.7e9; }};
  SelfMetrics metrics{
      registry,
      {ingest, scrapes, sessions, connections, push_limits, scrape_limits, [this] { return lag; }}};
};

}  // namespace

TEST_CASE("the version is told") {
  Room room;

  CHECK(room.shows("sidemeter_build_info{version=\"" + std::string(kVersion) + "\"} 1.0"));
}

TEST_CASE("every reason, verb and status is there from the start, at 0") {
  Room room;
  const std::string text = room.scrape();

  for (const std::string_view reason : kReasonWords) {
    CAPTURE(reason);
    CHECK(text.find("\nsidemeter_rejected_records_total{reason=\"" + std::string(reason) +
                    "\"} 0.0\n") != std::string::npos);
  }
  for (const std::string verb : {"c", "g", "h", "s", "m", "i", "e", "x", "clear", "declare", "bind",
                                 "hello", "sync", "list"}) {
    CAPTURE(verb);
    CHECK(text.find("\nsidemeter_records_total{verb=\"" + verb + "\"} 0.0\n") != std::string::npos);
  }
  for (const std::string code :
       {"200", "400", "405", "408", "413", "414", "417", "431", "500", "503", "505"}) {
    CAPTURE(code);
    CHECK(text.find("\nsidemeter_scrapes_total{code=\"" + code + "\"} 0.0\n") != std::string::npos);
  }
}

TEST_CASE("counters follow what they are read from") {
  Room room;
  room.ingest.updates[static_cast<std::size_t>(Verb::kGauge)] = 5;
  room.ingest.rejected[static_cast<std::size_t>(Reason::kTruncated)] = 2;
  CHECK(room.shows("sidemeter_records_total{verb=\"g\"} 5.0"));
  CHECK(room.shows("sidemeter_rejected_records_total{reason=\"truncated\"} 2.0"));

  room.ingest.updates[static_cast<std::size_t>(Verb::kGauge)] = 12;

  CHECK(room.shows("sidemeter_records_total{verb=\"g\"} 12.0"));
}

TEST_CASE("sessions are counted by how they began and ended") {
  Room room;
  room.sessions.open = 3;
  room.sessions.accepted = 10;
  room.sessions.refused_limit = 1;
  room.sessions.refused_peer = 4;
  room.sessions.closed[static_cast<std::size_t>(CloseReason::kReplyOverflow)] = 2;

  CHECK(room.shows("sidemeter_sessions{state=\"open\"} 3.0"));
  CHECK(room.shows("sidemeter_sessions_opened_total 10.0"));
  CHECK(room.shows("sidemeter_sessions_refused_total{reason=\"limit\"} 1.0"));
  CHECK(room.shows("sidemeter_sessions_refused_total{reason=\"credentials\"} 4.0"));
  CHECK(room.shows("sidemeter_sessions_closed_total{reason=\"reply_overflow\"} 2.0"));
}

TEST_CASE("scrapes are a summary of duration and of size") {
  Room room;
  room.scrapes.scrapes = 2;
  room.scrapes.seconds = 0.5;
  room.scrapes.bytes = 3'000;

  CHECK(room.shows("sidemeter_scrape_duration_seconds_count 2.0"));
  CHECK(room.shows("sidemeter_scrape_duration_seconds_sum 0.5"));
  CHECK(room.shows("sidemeter_scrape_size_bytes_sum 3000.0"));
}

TEST_CASE("limits stand beside their use") {
  Room room;
  REQUIRE(room.registry.update(Update{Verb::kCounter, "x_total", "1"}));

  CHECK(room.shows("sidemeter_series 1.0"));
  CHECK(room.shows("sidemeter_series_limit 100000.0"));
  CHECK(room.shows("sidemeter_families 1.0"));
  CHECK(room.shows("sidemeter_families_limit 10000.0"));
  CHECK(room.shows("sidemeter_sessions_limit 1024.0"));
  CHECK(room.shows("sidemeter_scrape_connections 0.0"));
  CHECK(room.shows("sidemeter_scrape_connections_limit 512.0"));
}

TEST_CASE("a family that overflows is named from then on") {
  Room room;
  room.push_limits.series = 1;
  REQUIRE(room.registry.update(Update{Verb::kCounter, "x_total", "1"}));
  CHECK(room.scrape().find("sidemeter_overflow_total{") == std::string::npos);

  CHECK_FALSE(room.registry.update(Update{Verb::kGauge, "y", "1"}));
  CHECK(room.shows("sidemeter_overflow_total{family=\"y\"} 1.0"));
  CHECK_FALSE(room.registry.update(Update{Verb::kGauge, "z", "1"}));
  CHECK_FALSE(room.registry.update(Update{Verb::kGauge, "y", "1"}));
  CHECK(room.shows("sidemeter_overflow_total{family=\"y\"} 2.0"));
  CHECK(room.shows("sidemeter_overflow_total{family=\"z\"} 1.0"));
}

TEST_CASE("a scraper past the cap counts as answered 503") {
  Room room;
  room.connections.refused_limit = 9;
  room.connections.told_no_room = 7;

  CHECK(room.shows("sidemeter_scrapes_total{code=\"503\"} 7.0"));
  CHECK(room.shows("sidemeter_scrape_connections_refused_total 9.0"));
}

TEST_CASE("the loop's lag rises and falls") {
  Room room;
  room.lag = 0.25;
  CHECK(room.shows("sidemeter_loop_lag_seconds 0.25"));

  room.lag = 0;

  CHECK(room.shows("sidemeter_loop_lag_seconds 0.0"));
}

TEST_CASE("a peer cannot write to the agent's own metrics") {
  Room room;

  CHECK_FALSE(room.registry.update(Update{Verb::kCounter, "sidemeter_sessions_opened_total", "1"}));
  CHECK_FALSE(room.registry.update(Update{Verb::kGauge, "sidemeter_loop_lag_seconds", "1"}));
}

TEST_CASE("every family has HELP and TYPE, and no series stands twice") {
  Room room;
  std::istringstream lines(room.scrape());
  std::set<std::string> series;
  std::string helped;

  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    std::istringstream words(line);
    std::string hash, word, name;
    words >> hash >> word >> name;
    if (hash != "#") CHECK(series.insert(line.substr(0, line.rfind(' '))).second);
    if (word == "HELP") helped = name;
    if (word == "TYPE") CHECK(name == helped);
  }
  CHECK(series.size() > 80);
}

}  // namespace sidemeter::test
