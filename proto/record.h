// A record, cut into its parts. The line form (PROTOCOL.md, "Verbs") cuts
// without allocating; the JSON form (json_record.h) yields the same records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/gauge_mode.h"
#include "proto/hello.h"
#include "proto/limits.h"
#include "proto/result.h"

namespace sidemeter {

enum class Verb : std::uint8_t {
  kCounter,    // c
  kGauge,      // g
  kHistogram,  // h
  kSummary,    // s
  kMerge,      // m
  kInfo,       // i
  kStateset,   // e
  kRemove,     // x
  kClear,      // clear
};

inline constexpr std::size_t kVerbCount = 9;

// The word as it is written ("c", "clear").
std::string_view word(Verb verb);

enum class MetricType : std::uint8_t {
  kUnknown,
  kCounter,
  kGauge,
  kHistogram,
  kSummary,
  kInfo,
  kStateset,
};

// The word of `# TYPE` in OpenMetrics ("unknown", "counter", …).
std::string_view word(MetricType type);

// c http_requests_total{method="GET"} 1
// ^ verb  ^ series, raw                ^ operands, raw (see operands.h)
//
// The views point into the line, or into the JSON reader's own text.
struct Update {
  Verb verb;
  std::string_view series;
  std::string_view operands;

  // The type that a JSON merge names; unset where the verb says it.
  std::optional<MetricType> type = {};
};

// @7 c http_requests_total{method="GET"}
struct Binding {
  std::uint32_t handle;
  Verb verb;  // not kClear
  std::string_view series;
};

// @7 1
struct HandleUpdate {
  std::uint32_t handle;
  std::string_view operands;
};

// What one `# WORD name …` line or one JSON "declare" says of a family: only
// what is set is said. Help and states are unescaped.
struct Declaration {
  std::string name;  // as written: may end in _total or _info
  std::optional<MetricType> type;
  std::optional<std::string> help;
  std::optional<std::string> unit;
  std::optional<std::vector<double>> buckets;  // strictly rising; a +Inf at the end is left out
  std::optional<GaugeMode> mode;
  std::optional<std::vector<std::string>> states;
  std::optional<std::uint32_t> ttl_seconds;  // 0: never
};

// An empty line or a comment.
struct Nothing {};

using Record =
    std::variant<Nothing, Update, Binding, HandleUpdate, Declaration, Hello, Sync, Question>;

// Whether a line is in JSON form (its first byte is `{` or `[`): then it goes
// to parse_json_records() of json_record.h.
bool is_json(std::string_view line);

// The every-day line, cut on the shortest way: by its last brace, and nothing is checked. That is
// right where the series is known from an earlier record, and where its operands are numbers;
// else parse_record() has to look at the line.
std::optional<Update> guess_update(std::string_view line);

// Reads one line in line form. Series text and operands of an update are cut, not read: what is
// wrong within them is found by parse_series() and parse_operands().
Result<Record> parse_record(std::string_view line, const PushLimits& limits);

}  // namespace sidemeter
