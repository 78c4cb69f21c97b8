#include "agent/self_metrics.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <utility>

#include "agent/version.h"
#include "proto/series.h"

namespace sidemeter {
namespace {

// Every status that a scrape can be answered with.
constexpr std::array kCodes = {200, 400, 401, 405, 408, 413, 414, 417, 431, 500, 503, 505};

std::string with_label(std::string_view name, std::string_view label, std::string_view value) {
  std::string series(name);
  return series.append("{").append(label).append("=\"").append(value).append("\"}");
}

std::string format(double value) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

template <typename Number>
std::function<double()> reader(const Number& number) {
  return [&number] { return static_cast<double>(number); };
}

}  // namespace

SelfMetrics::SelfMetrics(Registry& registry, SelfSources sources)
    : registry_(registry), sources_(std::move(sources)) {
  declare("sidemeter_build_info", MetricType::kInfo, "The version of this agent.");
  const std::string build = with_label("sidemeter_build_info", "version", kVersion);
  [[maybe_unused]] const auto built = registry_.update(Update{Verb::kInfo, build, ""}, writer_);
  assert(built);
  add_sessions();
  add_records();
  add_registry();
  add_scrapes();
  add_scrape_connections();
  add_process();
}

void SelfMetrics::update() {
  process_ = read_process_stats();
  counts_ = registry_.counts();
  add_overflow();
  for (Item& item : items_) push(item);
}

void SelfMetrics::add_sessions() {
  const ListenerStats& sessions = sources_.sessions;
  declare("sidemeter_sessions", MetricType::kGauge, "Sessions of pushing clients.");
  gauge(R"(sidemeter_sessions{state="open"})", reader(sessions.open));
  declare("sidemeter_sessions_limit", MetricType::kGauge, "Sessions that may be open at once.");
  gauge("sidemeter_sessions_limit", reader(sources_.push_limits.sessions));
  declare("sidemeter_sessions_opened_total", MetricType::kCounter, "Sessions opened.");
  counter("sidemeter_sessions_opened_total", reader(sessions.accepted));
  declare("sidemeter_sessions_closed_total", MetricType::kCounter, "Sessions closed, by reason.");
  add_closed("sidemeter_sessions_closed_total", sessions);
  declare("sidemeter_sessions_refused_total", MetricType::kCounter,
          "Clients refused at the ingest socket, by reason.");
  counter(R"(sidemeter_sessions_refused_total{reason="limit"})", reader(sessions.refused_limit));
  counter(R"(sidemeter_sessions_refused_total{reason="credentials"})",
          reader(sessions.refused_peer));
  counter(R"(sidemeter_sessions_refused_total{reason="uid_limit"})", reader(sessions.refused_many));
  declare("sidemeter_accept_errors_total", MetricType::kCounter,
          "Times that no connection could be taken for want of descriptors or memory.");
  counter(R"(sidemeter_accept_errors_total{socket="ingest"})", reader(sessions.accept_errors));
  counter(R"(sidemeter_accept_errors_total{socket="scrape"})",
          reader(sources_.scrape_connections.accept_errors));
}

void SelfMetrics::add_records() {
  const IngestStats& ingest = sources_.ingest;
  declare("sidemeter_records_total", MetricType::kCounter, "Records applied, by verb.");
  const auto count = [this](std::string_view verb, const std::uint64_t& number) {
    counter(with_label("sidemeter_records_total", "verb", verb), reader(number));
  };
  for (std::size_t i = 0; i < kVerbCount; ++i) {
    count(word(static_cast<Verb>(i)), ingest.updates[i]);
  }
  count("declare", ingest.declarations);
  count("bind", ingest.bindings);
  count("hello", ingest.hellos);
  count("sync", ingest.syncs);
  count("list", ingest.listings);
  declare("sidemeter_rejected_records_total", MetricType::kCounter, "Records refused, by reason.");
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    counter(with_label("sidemeter_rejected_records_total", "reason", kReasonWords[i]),
            reader(ingest.rejected[i]));
  }
}

void SelfMetrics::add_registry() {
  const PushLimits& limits = sources_.push_limits;
  declare("sidemeter_series", MetricType::kGauge, "Series held for clients.");
  gauge("sidemeter_series", reader(counts_.series));
  declare("sidemeter_series_limit", MetricType::kGauge, "Series that may be held.");
  gauge("sidemeter_series_limit", reader(limits.series));
  declare("sidemeter_families", MetricType::kGauge, "Metric families held for clients.");
  gauge("sidemeter_families", reader(counts_.families));
  declare("sidemeter_families_limit", MetricType::kGauge, "Metric families that may be held.");
  gauge("sidemeter_families_limit", reader(limits.families));
  declare("sidemeter_idle_series", MetricType::kGauge,
          "Series held for clients that were not updated for their time, and are not shown.");
  gauge("sidemeter_idle_series", reader(counts_.idle_series));
  declare("sidemeter_idle_series_evicted_total", MetricType::kCounter,
          "Idle series that made way for new ones.");
  counter("sidemeter_idle_series_evicted_total", reader(counts_.evicted_series));
  declare("sidemeter_own_values", MetricType::kGauge,
          "Values that open sessions keep of their own in gauges.");
  gauge("sidemeter_own_values", reader(counts_.gauge_values));
  declare("sidemeter_own_values_limit", MetricType::kGauge, "Such values that may be held.");
  gauge("sidemeter_own_values_limit", reader(limits.gauge_values));
  declare("sidemeter_overflow_total", MetricType::kCounter,
          "New series refused for a limit of series, by metric family.");
}

// A family has its series here once it has overflown.
void SelfMetrics::add_overflow() {
  const auto& overflow = registry_.overflow();
  if (overflow.size() == overflow_families_) return;
  overflow_families_ = overflow.size();
  for (const auto& [family, count] : overflow) {
    std::string label;
    append_escaped(label, family, Quotes::kEscape);
    const auto series = with_label("sidemeter_overflow_total", "family", label);
    const bool known = std::any_of(items_.begin(), items_.end(),
                                   [&](const Item& item) { return item.name == series; });
    if (!known) counter(series, reader(count));
  }
}

void SelfMetrics::add_scrapes() {
  const ScrapeStats& scrape = sources_.scrape;
  declare("sidemeter_scrapes_total", MetricType::kCounter,
          "Requests answered at the scrape addresses, by HTTP status.");
  for (const int code : kCodes) {
    counter(with_label("sidemeter_scrapes_total", "code", std::to_string(code)), [this, code] {
      const auto& replies = sources_.scrape.replies;
      const auto found = replies.find(code);
      std::uint64_t count = found == replies.end() ? 0 : found->second;
      // Past the cap no scrape session stands: the listener answers.
      if (code == 503) count += sources_.scrape_connections.told_no_room;
      return static_cast<double>(count);
    });
  }
  declare("sidemeter_scrape_duration_seconds", MetricType::kSummary,
          "Time from request to last byte handed out, of whole scrapes.", "seconds");
  summary("sidemeter_scrape_duration_seconds", reader(scrape.seconds), reader(scrape.scrapes));
  declare("sidemeter_scrape_size_bytes", MetricType::kSummary,
          "Size of the body as sent, of whole scrapes.", "bytes");
  summary("sidemeter_scrape_size_bytes", reader(scrape.bytes), reader(scrape.scrapes));
}

void SelfMetrics::add_scrape_connections() {
  const ListenerStats& connections = sources_.scrape_connections;
  declare("sidemeter_scrape_connections", MetricType::kGauge, "Open connections of scrapers.");
  gauge("sidemeter_scrape_connections", reader(connections.open));
  declare("sidemeter_scrape_connections_limit", MetricType::kGauge,
          "Connections of scrapers that may be open at once.");
  gauge("sidemeter_scrape_connections_limit", reader(sources_.scrape_limits.connections));
  declare("sidemeter_scrape_connections_refused_total", MetricType::kCounter,
          "Connections of scrapers past the limit: answered 503, or closed where they were many.");
  counter("sidemeter_scrape_connections_refused_total", reader(connections.refused_limit));
  declare("sidemeter_scrape_connections_closed_total", MetricType::kCounter,
          "Connections of scrapers closed, by reason.");
  add_closed("sidemeter_scrape_connections_closed_total", connections);
  declare("sidemeter_loop_lag_seconds", MetricType::kGauge,
          "How late the event loop answered at worst in the last 15 to 30 seconds.", "seconds");
  gauge("sidemeter_loop_lag_seconds", sources_.loop_lag_seconds);
}

void SelfMetrics::add_process() {
  declare("sidemeter_process_cpu_seconds_total", MetricType::kCounter,
          "Total user and system CPU time spent in seconds.", "seconds");
  counter("sidemeter_process_cpu_seconds_total", reader(process_.cpu_seconds));
  declare("sidemeter_process_resident_memory_bytes", MetricType::kGauge,
          "Resident memory size in bytes.", "bytes");
  gauge("sidemeter_process_resident_memory_bytes", reader(process_.resident_bytes));
  declare("sidemeter_process_virtual_memory_bytes", MetricType::kGauge,
          "Virtual memory size in bytes.", "bytes");
  gauge("sidemeter_process_virtual_memory_bytes", reader(process_.virtual_bytes));
  declare("sidemeter_process_start_time_seconds", MetricType::kGauge,
          "Start time of the process since unix epoch in seconds.", "seconds");
  gauge("sidemeter_process_start_time_seconds", reader(process_.start_time_seconds));
  declare("sidemeter_process_open_fds", MetricType::kGauge, "Number of open file descriptors.");
  gauge("sidemeter_process_open_fds", reader(process_.open_fds));
  declare("sidemeter_process_max_fds", MetricType::kGauge,
          "Maximum number of open file descriptors.");
  gauge("sidemeter_process_max_fds", reader(process_.max_fds));
}

void SelfMetrics::add_closed(std::string_view family, const ListenerStats& stats) {
  for (std::size_t i = 0; i < kCloseReasonWords.size(); ++i) {
    counter(with_label(family, "reason", kCloseReasonWords[i]), reader(stats.closed[i]));
  }
}

void SelfMetrics::declare(std::string_view name, MetricType type, std::string_view help,
                          std::string_view unit) {
  Declaration declaration;
  declaration.name = name;
  declaration.type = type;
  declaration.help = help;
  if (!unit.empty()) declaration.unit = unit;
  [[maybe_unused]] const auto declared = registry_.declare(declaration, writer_);
  assert(declared);
}

void SelfMetrics::counter(const std::string& series, Read value) {
  add(series, "0", {series, {}, Verb::kCounter, std::move(value), {}});
}

void SelfMetrics::gauge(const std::string& series, Read value) {
  add(series, "0", {series, {}, Verb::kGauge, std::move(value), {}});
}

void SelfMetrics::summary(const std::string& series, Read sum, Read count) {
  add(series, "0 0", {series, {}, Verb::kMerge, std::move(sum), std::move(count)});
}

void SelfMetrics::add(const std::string& series, std::string_view zero, Item item) {
  const auto found = registry_.update(Update{item.verb, series, zero}, writer_);
  assert(found);
  if (!found) return;
  item.series = *found;
  items_.push_back(std::move(item));
}

void SelfMetrics::push(Item& item) {
  const double value = item.value();
  const double count = item.count ? item.count() : 0;
  if (value == item.last_value && count == item.last_count) return;
  std::string operands = format(item.verb == Verb::kGauge ? value : value - item.last_value);
  if (item.count) operands.append(" ").append(format(count - item.last_count));
  item.last_value = value;
  item.last_count = count;
  [[maybe_unused]] const auto pushed = registry_.update(item.series, item.verb, operands, writer_);
  assert(pushed);
}

}  // namespace sidemeter
