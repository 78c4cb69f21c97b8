// The agent's own metrics: pushed into the registry in the agent's own words, as
// records, so that they obey the same rules as everybody's.
//
// Every series stands from the start, at 0, so that a rate or an alert on it is never without data.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/ingest/ingest_session.h"
#include "agent/metrics/registry.h"
#include "agent/net/listener.h"
#include "agent/process_stats.h"
#include "agent/scrape/scrape_session.h"
#include "proto/limits.h"
#include "proto/record.h"

namespace sidemeter {

// What the metrics are read from.
struct SelfSources {
  const IngestStats& ingest;
  const ScrapeStats& scrape;
  const ListenerStats& sessions;            // of the ingest socket
  const ListenerStats& scrape_connections;  // of all scrape addresses together
  const PushLimits& push_limits;
  const ScrapeLimits& scrape_limits;
  std::function<double()> loop_lag_seconds;
};

class SelfMetrics {
 public:
  // `registry` and what `sources` refers to must outlive this.
  SelfMetrics(Registry& registry, SelfSources sources);
  SelfMetrics(const SelfMetrics&) = delete;
  SelfMetrics& operator=(const SelfMetrics&) = delete;

  // Pushes what has changed since the last time. Called before a scrape.
  void update();

  // For metrics that are defined elsewhere (agent/tls_metrics.h); what `Read` reads outlives this.
  using Read = std::function<double()>;
  void declare(std::string_view name, MetricType type, std::string_view help,
               std::string_view unit = {});
  void counter(const std::string& series, Read value);
  void gauge(const std::string& series, Read value);
  void summary(const std::string& series, Read sum, Read count);

 private:
  // A counter or gauge, or sum and count of a summary.
  struct Item {
    std::string name;
    SeriesRef series;
    Verb verb;
    Read value;
    Read count;
    double last_value = 0;
    double last_count = 0;
  };

  void add_sessions();
  void add_records();
  void add_registry();
  void add_overflow();
  void add_scrapes();
  void add_scrape_connections();
  void add_process();
  void add_closed(std::string_view family, const ListenerStats& stats);

  void add(const std::string& series, std::string_view zero, Item item);
  void push(Item& item);

  Registry& registry_;
  Writer writer_{registry_, Writer::Kind::kAgent};
  const SelfSources sources_;
  ProcessStats process_;
  RegistryCounts counts_;
  std::size_t overflow_families_ = 0;  // that have a series already
  std::vector<Item> items_;
};

}  // namespace sidemeter
