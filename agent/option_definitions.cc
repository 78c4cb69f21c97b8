#include "agent/option_definitions.h"

#include <sys/un.h>

#include <string_view>
#include <utility>

#include "agent/net/loop.h"
#include "agent/tls_options.h"

namespace sidemeter {
namespace {

using Kind = Option::Kind;

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kDayMs = 24ULL * 60 * 60 * 1000;
constexpr std::uint64_t kMaxId = 0xFFFF'FFFE;  // (uid_t)-1 means "no user"

Parsed<bool> parse_switch(const std::string& text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return wanted("true or false", text);
}

Parsed<std::string> parse_socket_path(const std::string& text) {
  constexpr std::size_t kMaxBytes = sizeof(sockaddr_un::sun_path) - 1;  // unix(7)
  if (text.size() <= kMaxBytes && text.find('\0') == std::string::npos) return text;
  return wanted("a path of at most " + std::to_string(kMaxBytes) + " bytes", text);
}

Parsed<std::uint64_t> parse_mode(const std::string& text) {
  const auto mode = parse_digits(text, 8);
  if (mode && *mode <= 0777) return *mode;
  return wanted("an octal mode from 0 to 0777", text);
}

Parsed<std::uint64_t> parse_group(const std::string& text) {
  if (const auto gid = parse_digits(text); gid && *gid <= kMaxId) return *gid;
  if (const auto gid = find_group(text, "/etc/group")) return std::uint64_t{*gid};
  return wanted("a number or a group of /etc/group", text);
}

Parsed<std::uint64_t> parse_id(const std::string& text) { return parse_count(text, {0, kMaxId}); }

Parsed<std::string> parse_listen(const std::string& text) {
  if (is_listen_address(text)) return text;
  return wanted("an IP address with a port, as 127.0.0.1:9469 or [::1]:9469", text);
}

void add_agent_options(Table& table, AgentOptions& o) {
  table.one("socket", Kind::kText, "PATH", "The ingest socket (" + o.socket_path + ")",
            o.socket_path, parse_socket_path);
  table.one("socket-mode", Kind::kText, "OCTAL", "Its mode (0660)", o.socket_mode, parse_mode);
  table.one("socket-group", Kind::kText, "GROUP", "Its group, a name or a number (the process's)",
            o.socket_gid, parse_group);
  table.list("allow-uid", "UID", "Who may push, with --allow-gid; repeatable (who can open it)",
             o.allow_uids, parse_id);
  table.list("allow-gid", "GID", "Which groups may push; repeatable", o.allow_gids, parse_id);
  table.list("listen", "ADDR:PORT",
             "Where scrapes are answered; repeatable (0.0.0.0:9469 and [::]:9469)", o.listen,
             parse_listen);
  table.one("no-self-metrics", Kind::kSwitch, "", "Leaves out the agent's own metrics",
            o.self_metrics, [](const std::string& text) -> Parsed<bool> {
              const auto off = parse_switch(text);
              if (!off) return off.error();
              return !*off;
            });
  table.one("created-samples", Kind::kSwitch, "", "Adds _created samples", o.created_samples,
            parse_switch);
  table.seconds("shutdown-timeout", o.shutdown_ms, {0, kDayMs}, "What a clean end may take");
}

void add_log_options(Table& table, ServeRequest& o) {
  table.words<LogFormat>("log-format", o.log_format,
                         {{"logfmt", LogFormat::kLogfmt}, {"json", LogFormat::kJson}},
                         "How stderr is written (logfmt)");
  table.words<LogLevel>("log-level", o.log_level,
                        {{"debug", LogLevel::kDebug},
                         {"info", LogLevel::kInfo},
                         {"warning", LogLevel::kWarning},
                         {"error", LogLevel::kError}},
                        "The least that is logged (info)");
}

void add_push_limits(Table& table, PushLimits& l) {
  constexpr std::uint64_t kManySeries = 100'000'000;
  table.bytes("max-line-bytes", l.line_bytes, {64, 16 * kMiB}, "A record");
  table.count("max-handles", l.handles_per_session, {1, 1'048'576}, "Handles of a session");
  table.count("max-series", l.series, {1, kManySeries}, "Series in all");
  table.count("max-series-per-family", l.series_per_family, {1, kManySeries},
              "Series of a family; --max-series if unset");
  table.count("session-series-limit", l.series_per_session, {1, kManySeries},
              "Series made by one session; --max-series if unset");
  table.count("max-gauge-values", l.gauge_values, {1, kManySeries},
              "Values that sessions keep of their own in gauges");
  table.seconds("series-idle-timeout", l.series_idle_ms, {0, 3'650 * kDayMs},
                "Hides series not updated for so long; 0: never");
  table.count("max-families", l.families, {1, 1'000'000}, "Metric families");
  table.count("max-labels", l.labels_per_series, {1, 1'024}, "Labels of a series");
  table.bytes("max-label-value-bytes", l.label_value_bytes, {1, kMiB}, "A label's value");
  table.bytes("max-name-bytes", l.name_bytes, {1, 65'536}, "A metric's or label's name");
  table.bytes("max-help-bytes", l.help_bytes, {1, kMiB}, "A HELP text");
  table.count("max-buckets", l.buckets_per_histogram, {1, 4'096}, "Buckets of a histogram");
  table.count("max-states", l.states_per_stateset, {1, 4'096}, "States of a stateset");
  table.bytes("max-alias-bytes", l.alias_bytes, {65'536, 4'096 * kMiB},
              "Raw spellings of series that are remembered");
  table.count("max-sessions", l.sessions, {1, 65'536}, "Open sessions");
  table.count("max-sessions-per-uid", l.sessions_per_uid, {1, 65'536},
              "Open sessions of one user; --max-sessions if unset");
  table.bytes("max-turn-bytes", l.turn_bytes, {1'024, kReadBytes},
              "Read from a session in one turn of the loop");
  table.bytes("max-reply-bytes", l.reply_bytes, {4'096, 64 * kMiB}, "Replies not yet read");
}

void add_scrape_limits(Table& table, ScrapeLimits& l) {
  const Range timeout_ms{10, kDayMs};
  table.bytes("http-max-head-bytes", l.head_bytes, {256, kMiB}, "A request's head");
  table.bytes("http-max-target-bytes", l.target_bytes, {64, kMiB}, "A request's target");
  table.count("http-max-fields", l.header_fields, {1, 10'000}, "Header fields of a request");
  table.count("http-max-connections", l.connections, {1, 65'536}, "Open connections");
  table.count("http-max-pipelined", l.pipelined_requests, {1, 1'024},
              "Requests answered in one turn");
  table.seconds("http-head-timeout", l.head_deadline_ms, timeout_ms, "A head's first byte to last");
  table.seconds("http-idle-timeout", l.idle_timeout_ms, timeout_ms, "Keep-alive between requests");
  table.seconds("http-write-timeout", l.write_stall_ms, timeout_ms, "A reader that takes nothing");
}

}  // namespace

Table serve_options(ServeRequest& request, std::string& config_path) {
  Table table;
  table.one("config", Kind::kText, "FILE", "A JSON file with any of these options", config_path,
            [](const std::string& text) -> Parsed<std::string> { return text; });
  add_agent_options(table, request.agent);
  add_tls_options(table, request.agent);
  add_log_options(table, request);
  add_push_limits(table, request.agent.push);
  add_scrape_limits(table, request.agent.scrape);
  return table;
}

Table contact_options(Contact& contact) {
  Table table;
  table.one("socket", Kind::kText, "PATH", "The agent's socket (" + contact.socket_path + ")",
            contact.socket_path, parse_socket_path);
  table.seconds("timeout", contact.timeout_ms, {10, kDayMs}, "How long the agent may be silent");
  return table;
}

Table top_options(TopRequest& request) {
  Table table;
  table.seconds("interval", request.interval_ms, {100, kDayMs}, "Over which rates are taken");
  table.words<TopRequest::Order>(
      "by", request.order,
      {{"records", TopRequest::Order::kRecords}, {"series", TopRequest::Order::kSeries}},
      "What comes first (records)");
  table.one("once", Kind::kSwitch, "", "Prints one table, on a terminal too", request.times,
            [](const std::string& text) -> Parsed<TopRequest::Times> {
              const auto once = parse_switch(text);
              if (!once) return once.error();
              return *once ? TopRequest::Times::kOnce : TopRequest::Times::kWhileTerminal;
            });
  return table;
}

}  // namespace sidemeter
