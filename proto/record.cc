#include "proto/record.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "proto/declaration.h"
#include "proto/series.h"
#include "proto/utf8.h"
#include "proto/words.h"

namespace sidemeter {
namespace {

constexpr std::array<std::string_view, kVerbCount> kVerbWords = {"c", "g", "h", "s",    "m",
                                                                 "i", "e", "x", "clear"};
constexpr std::array<std::string_view, 7> kTypeWords = {
    "unknown", "counter", "gauge", "histogram", "summary", "info", "stateset"};

Error syntax(std::string message) { return {Reason::kBadSyntax, std::move(message)}; }

std::optional<Verb> find_verb(std::string_view name) {
  for (std::size_t i = 0; i < kVerbCount; ++i) {
    if (kVerbWords[i] == name) return static_cast<Verb>(i);
  }
  return std::nullopt;
}

template <typename Integer>
bool read_whole(std::string_view text, Integer& number) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc() && end == text.data() + text.size() && !text.empty();
}

// @7 c http_requests_total{code="200"}     a binding: a verb of one letter, and more
// @7 1                                     an update
Result<Record> parse_handle(std::string_view line, const PushLimits& limits) {
  auto rest = line.substr(1);
  const bool apart = rest.empty() || is_blank(rest.front());
  const auto number = apart ? std::string_view() : take_word(rest);
  std::uint32_t handle = 0;
  if (number.find_first_not_of("0123456789") != std::string_view::npos || number.empty()) {
    return syntax("a handle is a whole number, got \"@" + std::string(number) + "\"");
  }
  if (!read_whole(number, handle) || handle >= limits.handles_per_session) {
    return Error{Reason::kUnknownHandle, "handles are below " +
                                             std::to_string(limits.handles_per_session) +
                                             ", got @" + std::string(number)};
  }
  auto series = rest;
  const auto verb_word = take_word(series);
  const auto verb = verb_word.size() == 1 ? find_verb(verb_word) : std::nullopt;
  if (!verb || series.empty()) return Record(HandleUpdate{handle, rest});
  if (series_length(series) != trimmed(series).size()) {
    return syntax("nothing may follow the series of a binding");
  }
  return Record(Binding{handle, *verb, trimmed(series)});
}

// KEY=VALUE or KEY="quoted value"
Result<std::string> take_hello_value(std::string_view& rest) {
  if (!rest.starts_with('"')) return std::string(take_word(rest));
  const auto braced = "{v=" + std::string(rest) + '}';
  std::size_t end = 4;
  while (end < braced.size() && braced[end] != '"') end += braced[end] == '\\' ? 2 : 1;
  auto labels = parse_labels(braced.substr(0, end + 1) + '}', PushLimits{});
  if (!labels) return labels.error();
  rest.remove_prefix(std::min(rest.size(), end - 2));
  while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
  return (*labels)[0].value;
}

Status set_hello(Hello& hello, std::string_view key, const std::string& value) {
  if (key == "v") {
    std::uint32_t version = 0;
    if (!read_whole(value, version)) {
      return Error{Reason::kBadVersion, "a version is a whole number, got \"" + value + "\""};
    }
    hello.version = version;
  } else if (key == "pid") {
    std::int64_t pid = 0;
    if (!read_whole(value, pid) || pid < 0)
      return syntax("a pid is a whole number, got \"" + value + "\"");
    hello.pid = pid;
  } else if (key == "instance") {
    hello.instance = value;
  } else if (key == "client") {
    hello.client = value;
  } else if (key == "errors") {
    if (value != "0" && value != "1") return syntax("errors is 0 or 1, got \"" + value + "\"");
    hello.errors = value == "1";
  } else {
    return syntax("hello takes v, pid, instance, client and errors, got \"" + std::string(key) +
                  "\"");
  }
  return Done{};
}

Result<Record> parse_hello(std::string_view rest) {
  Hello hello;
  while (!rest.empty()) {
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos) return syntax("hello wants KEY=VALUE");
    const auto key = rest.substr(0, equals);
    rest.remove_prefix(equals + 1);
    const auto value = take_hello_value(rest);
    if (!value) return value.error();
    if (auto status = set_hello(hello, key, *value); !status) return status.error();
  }
  return Record(std::move(hello));
}

Result<Record> parse_sync(std::string_view rest) {
  const auto token = take_word(rest);
  if (token.empty() || !rest.empty()) return syntax("sync wants one word");
  if (token.size() > kMaxTokenBytes) {
    return syntax("a sync token is at most " + std::to_string(kMaxTokenBytes) + " bytes");
  }
  return Record(Sync{Form::kLine, token});
}

// The braces of a series whose operands are numbers end at the last `}`, unless an exemplar
// follows: found from the end, where the operands are short.
std::size_t quick_series_length(std::string_view rest) {
  if (std::memchr(rest.data(), '#', rest.size()) != nullptr) return series_length(rest);
  const auto brace = rest.rfind('}');
  return brace == std::string_view::npos ? series_length(rest) : brace + 1;
}

// c http_requests_total{method="GET"} 1
// Most lines are updates by a verb of one letter that takes numbers.
bool is_quick(std::string_view line) {
  if (line.size() < 3 || line[1] != ' ' || is_blank(line[2])) return false;
  return line[0] == 'c' || line[0] == 'g' || line[0] == 'h' || line[0] == 's' || line[0] == 'm';
}

Verb quick_verb(char letter) {
  switch (letter) {
    case 'c': return Verb::kCounter;
    case 'g': return Verb::kGauge;
    case 'h': return Verb::kHistogram;
    case 's': return Verb::kSummary;
    default: return Verb::kMerge;
  }
}

}  // namespace

std::string_view word(Verb verb) { return kVerbWords[static_cast<std::size_t>(verb)]; }
std::string_view word(MetricType type) { return kTypeWords[static_cast<std::size_t>(type)]; }

bool is_json(std::string_view line) { return line.starts_with('{') || line.starts_with('['); }

namespace {

Result<Record> parse_line(std::string_view line, const PushLimits& limits) {
  if (trimmed(line).empty()) return Record(Nothing{});
  const auto text = check_text(line);
  if (line.front() == '#') {
    auto declaration = parse_declaration(line, limits);
    // What a comment holds is nobody's business.
    const bool comment = declaration && std::holds_alternative<Nothing>(*declaration);
    return comment || text ? std::move(declaration) : text.error();
  }
  if (!text) return text.error();
  if (line.front() == '@') return parse_handle(line, limits);

  auto rest = line;
  const auto first = take_word(rest);
  if (first == "hello") return parse_hello(rest);
  if (first == "sync") return parse_sync(rest);
  const auto verb = find_verb(first);
  if (!verb) {
    return Error{Reason::kUnknownVerb,
                 "a verb is c, g, h, s, m, i, e, x, clear, hello or sync, got \"" +
                     std::string(first.substr(0, 64)) + "\""};
  }
  const auto length = series_length(rest);
  if (length == 0) return syntax("verb \"" + std::string(first) + "\" wants a series");
  return Record(Update{*verb, rest.substr(0, length), trimmed(rest.substr(length))});
}

}  // namespace

std::optional<Update> cut_update(std::string_view line) {
  if (!is_quick(line) || find_fault(line) != TextFault::kNone) return std::nullopt;
  const auto rest = line.substr(2);
  const auto length = quick_series_length(rest);
  return Update{quick_verb(line[0]), rest.substr(0, length), trimmed(rest.substr(length))};
}

Result<Record> parse_record(std::string_view line, const PushLimits& limits) {
  if (const auto update = cut_update(line)) return Record(*update);
  return parse_line(line, limits);
}

}  // namespace sidemeter
