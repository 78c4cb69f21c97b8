// Reads a series as the Prometheus text format writes it:
//   http_requests_total{method="GET",code="200"}      {"my.metric","l.x"="v"}
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/limits.h"
#include "proto/result.h"

namespace sidemeter {

struct Label {
  std::string name;
  std::string value;  // unescaped

  friend bool operator==(const Label&, const Label&) = default;
};

struct Series {
  std::string name;           // as written: may end in _total or _info
  std::vector<Label> labels;  // as written: in the peer's order, not yet checked for repetition
};

// [a-zA-Z_:][a-zA-Z0-9_:]* and [a-zA-Z_][a-zA-Z0-9_]* (Prometheus data model).
bool is_classic_metric_name(std::string_view name);
bool is_classic_label_name(std::string_view name);

// How many bytes at the start of `text` are the series, up to its closing brace or
// the blank behind the name. Cuts only; 0 where there is none. A brace that never closes takes all.
std::size_t series_length(std::string_view text);

// Reasons: kBadSyntax, kBadName, kBadLabel (also a name that begins with "__"),
// kLabelLimit.
Result<Series> parse_series(std::string_view text, const PushLimits& limits);

// Only the braces: `{trace_id="abc"}`, of an exemplar.
Result<std::vector<Label>> parse_labels(std::string_view text, const PushLimits& limits);

// Writes a label value or HELP: \\ and \n, and \" where a quote would end it.
enum class Quotes { kKeep, kEscape };
void append_escaped(std::string& out, std::string_view text, Quotes quotes);

}  // namespace sidemeter
