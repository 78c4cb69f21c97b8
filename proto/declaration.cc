#include "proto/declaration.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "proto/operands.h"
#include "proto/series.h"
#include "proto/words.h"

namespace sidemeter {
namespace {

Error bad_value(std::string message) { return {Reason::kBadValue, std::move(message)}; }

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (text[at] == '\\' && (next == 'n' || next == '\\' || next == '"')) {
      out += next == 'n' ? '\n' : next;
      ++at;
    } else {
      out += text[at];
    }
  }
  return out;
}

// x   or   "my.metric"   or   {"my.metric"}
// A bare name ends at its blank: a HELP text may begin with a brace.
Result<std::string> take_family_name(std::string_view& text, const PushLimits& limits) {
  std::string spelling;
  if (text.starts_with('"')) {
    const auto braced = '{' + std::string(text);
    std::size_t end = 2;
    while (end < braced.size() && braced[end] != '"') end += braced[end] == '\\' ? 2 : 1;
    spelling = braced.substr(0, end + 1) + '}';
    text.remove_prefix(std::min(text.size(), end));
  } else {
    const auto length = text.starts_with('{') ? series_length(text) : text.find_first_of(" \t");
    spelling = text.substr(0, length);
    text.remove_prefix(std::min(text.size(), length));
  }
  auto series = parse_series(spelling, limits);
  if (!series) return series.error();
  if (!series->labels.empty())
    return Error{Reason::kBadSyntax, "a declaration names a family, got labels"};
  text = trimmed(text);
  return series->name;
}

template <typename T, typename Field>
Status assign(Result<T> read, Field& field) {
  if (!read) return read.error();
  field = *std::move(read);
  return Done{};
}

Result<std::vector<double>> read_bounds(std::string_view rest, const PushLimits& limits) {
  std::vector<double> bounds;
  while (!rest.empty()) {
    const auto bound = parse_number(take_word(rest));
    if (!bound) return bound.error();
    bounds.push_back(*bound);
  }
  return checked_buckets(std::move(bounds), limits);
}

Result<std::vector<std::string>> read_states(std::string_view rest, const PushLimits& limits) {
  std::vector<std::string> states;
  while (!rest.empty()) states.emplace_back(take_word(rest));
  return checked_states(std::move(states), limits);
}

Status read_part(std::string_view keyword, std::string_view rest, const PushLimits& limits,
                 Declaration& declaration) {
  if (keyword == "HELP") return assign(checked_help(unescaped(rest), limits), declaration.help);
  if (keyword == "BUCKETS") return assign(read_bounds(rest, limits), declaration.buckets);
  if (keyword == "STATES") return assign(read_states(rest, limits), declaration.states);
  const auto word = take_word(rest);
  if (word.empty() || !rest.empty()) {
    return Error{Reason::kBadSyntax, "# " + std::string(keyword) + " wants a name and one word"};
  }
  if (keyword == "TYPE") return assign(parse_type(word), declaration.type);
  if (keyword == "MODE") return assign(parse_mode(word), declaration.mode);
  if (keyword == "TTL") return assign(parse_ttl(word), declaration.ttl_seconds);
  return assign(checked_unit(std::string(word), limits), declaration.unit);
}

}  // namespace

Result<MetricType> parse_type(std::string_view name) {
  if (name == "untyped") return MetricType::kUnknown;
  for (const auto type :
       {MetricType::kUnknown, MetricType::kCounter, MetricType::kGauge, MetricType::kHistogram,
        MetricType::kSummary, MetricType::kInfo, MetricType::kStateset}) {
    if (name == word(type)) return type;
  }
  return bad_value(
      "a type is counter, gauge, histogram, summary, info, stateset or unknown, got \"" +
      std::string(name) + "\"");
}

Result<std::uint32_t> parse_ttl(std::string_view word) {
  std::uint64_t number = 0;
  const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), number);
  const auto unit = word.substr(static_cast<std::size_t>(end - word.data()));
  constexpr std::array<std::pair<std::string_view, std::uint32_t>, 5> kUnits = {
      {{"", 1}, {"s", 1}, {"m", 60}, {"h", 60 * 60}, {"d", 24 * 60 * 60}}};
  for (const auto& [name, seconds] : kUnits) {
    if (fault != std::errc() || unit != name) continue;
    if (number > kMaxTtlSeconds / seconds) break;
    return static_cast<std::uint32_t>(number * seconds);
  }
  return bad_value("a TTL is a whole number of s, m, h or d, at most 3650d, got \"" +
                   std::string(word) + "\"");
}

Result<std::vector<double>> checked_buckets(std::vector<double> bounds, const PushLimits& limits) {
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (!std::isnan(bounds[i]) && (i == 0 || bounds[i] > bounds[i - 1])) continue;
    return bad_value("bucket bounds are numbers that rise strictly");
  }
  if (!bounds.empty() && std::isinf(bounds.back()) && bounds.back() > 0) bounds.pop_back();
  if (bounds.empty() || bounds.front() == -HUGE_VAL)
    return bad_value("buckets want a finite bound");
  if (bounds.size() <= limits.buckets_per_histogram) return bounds;
  return bad_value("a histogram has at most " + std::to_string(limits.buckets_per_histogram) +
                   " buckets, got " + std::to_string(bounds.size()));
}

Result<std::vector<std::string>> checked_states(std::vector<std::string> states,
                                                const PushLimits& limits) {
  if (states.empty()) return bad_value("a stateset wants at least one state");
  if (states.size() > limits.states_per_stateset) {
    return bad_value("a stateset has at most " + std::to_string(limits.states_per_stateset) +
                     " states, got " + std::to_string(states.size()));
  }
  std::set<std::string_view> known;
  for (const auto& state : states) {
    if (state.empty() || trimmed(state) != state) return bad_value("a state is a word");
    if (state.size() > limits.label_value_bytes) return bad_value("a state is too long");
    if (!known.insert(state).second) return bad_value("state \"" + state + "\" is given twice");
  }
  return states;
}

Result<std::string> checked_help(std::string help, const PushLimits& limits) {
  if (help.size() <= limits.help_bytes) return help;
  return bad_value("HELP is at most " + std::to_string(limits.help_bytes) + " bytes, got " +
                   std::to_string(help.size()));
}

Result<std::string> checked_unit(std::string unit, const PushLimits& limits) {
  const bool classic = is_classic_label_name('_' + unit) && !unit.empty();
  if (classic && unit.size() <= limits.name_bytes) return unit;
  return bad_value("a unit matches [a-zA-Z0-9_]+, got \"" + unit + "\"");
}

Result<Record> parse_declaration(std::string_view line, const PushLimits& limits) {
  auto rest = line.substr(1);
  if (rest.empty() || !is_blank(rest.front())) return Record(Nothing{});
  const auto keyword = take_word(rest);
  constexpr std::array<std::string_view, 7> kKeywords = {"TYPE", "HELP",   "UNIT", "BUCKETS",
                                                         "MODE", "STATES", "TTL"};
  if (std::find(kKeywords.begin(), kKeywords.end(), keyword) == kKeywords.end()) {
    return Record(Nothing{});
  }
  if (rest.empty()) {
    return Error{Reason::kBadSyntax, "# " + std::string(keyword) + " wants the name of a family"};
  }
  auto name = take_family_name(rest, limits);
  if (!name) return name.error();
  Declaration declaration;
  declaration.name = *std::move(name);
  if (auto status = read_part(keyword, rest, limits, declaration); !status) return status.error();
  return Record(std::move(declaration));
}

}  // namespace sidemeter
