#include "agent/tls_metrics.h"

#include <string>

#include "agent/metrics/exposition.h"
#include "tests/agent/net/room.h"
#include "tests/agent/tls/conversation.h"

namespace sidemeter::test {
namespace {

class Silence final : public Log {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

struct Place {
  Place() {
    options.tls = server_settings();
    auto opened = ScrapeSecurity::open(options, *room.loop, log);
    REQUIRE(opened);
    security = *std::move(opened);
    add_tls_metrics(metrics, *security, options.limits);
  }

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

  Room room;
  Silence log;
  ScrapeSecurityOptions options;
  std::unique_ptr<ScrapeSecurity> security;
  PushLimits push_limits;
  ScrapeLimits scrape_limits;
  IngestStats ingest;
  ScrapeStats scrapes;
  ListenerStats sessions;
  ListenerStats connections;
  Registry registry{push_limits, [] { return 1.7e9; }};
  SelfMetrics metrics{
      registry,
      {ingest, scrapes, sessions, connections, push_limits, scrape_limits, [] { return 0.0; }}};
};

}  // namespace

TEST_CASE("behaviour 33: every reason is there from the start, at 0") {
  Place place;
  const std::string text = place.scrape();

  for (const std::string_view reason : kRefusalWords) {
    CAPTURE(reason);
    CHECK(text.find("\nsidemeter_tls_handshakes_refused_total{reason=\"" + std::string(reason) +
                    "\"} 0.0\n") != std::string::npos);
  }
}

TEST_CASE("handshakes in flight and refused are followed") {
  Place place;
  std::string heard, out;
  auto session = place.security->wrap(std::make_unique<LineEcho>(heard));
  CHECK(place.shows("sidemeter_tls_handshakes_in_flight 1.0"));

  session->receive("GET / HTTP/1.1\r\n", out);

  CHECK(place.shows("sidemeter_tls_handshakes_in_flight 0.0"));
  CHECK(place.shows("sidemeter_tls_handshakes_refused_total{reason=\"plain_http\"} 1.0"));
}

TEST_CASE("reloads and the ends of certificates are told, of the roles that there are") {
  Place place;

  CHECK(place.shows("sidemeter_tls_reloads_total{result=\"success\"} 1.0"));
  CHECK(place.shows("sidemeter_tls_reloads_total{result=\"failure\"} 0.0"));
  CHECK(place.shows("sidemeter_tls_last_reload_successful 1.0"));
  const std::string text = place.scrape();
  const std::string name = "\nsidemeter_tls_certificate_not_after_timestamp_seconds";
  CHECK(text.find(name + "{role=\"server\"} 1.") != std::string::npos);
  CHECK(text.find(name + "{role=\"client_ca\"}") == std::string::npos);
}

}  // namespace sidemeter::test
