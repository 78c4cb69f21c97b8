#include "proto/record.h"

#include <algorithm>
#include <array>
#include <charconv>

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

template <typename T>
Result<Record> as_record(Result<T> read) {
  if (!read) return read.error();
  return Record(*std::move(read));
}

// A question is one word, and is answered in lines.
Result<Record> parse_question(std::string_view word, Question question, std::string_view rest) {
  if (rest.empty()) return Record(question);
  return syntax("nothing may follow \"" + std::string(word) + "\"");
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

Result<Record> parse_record(std::string_view line, const PushLimits& limits) {
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
  if (first == "hello") return as_record(parse_hello(rest));
  if (first == "sync") return as_record(parse_sync(rest));
  if (first == "sessions") return parse_question(first, Question::kSessions, rest);
  if (first == "families") return parse_question(first, Question::kFamilies, rest);
  const auto verb = find_verb(first);
  if (!verb) {
    return Error{
        Reason::kUnknownVerb,
        "a verb is c, g, h, s, m, i, e, x, clear, hello, sync, sessions or families, got \"" +
            std::string(first.substr(0, 64)) + "\""};
  }
  const auto length = series_length(rest);
  if (length == 0) return syntax("verb \"" + std::string(first) + "\" wants a series");
  return Record(Update{*verb, rest.substr(0, length), trimmed(rest.substr(length))});
}

std::optional<Update> guess_update(std::string_view line) {
  if (!is_quick(line)) return std::nullopt;
  const auto rest = line.substr(2);
  auto length = rest.size();
  // The brace is near the end, where the operands are.
  while (length > 0 && rest[length - 1] != '}') --length;
  if (length == 0) length = std::min(rest.find(' '), rest.size());
  return Update{quick_verb(line[0]), rest.substr(0, length), rest.substr(length)};
}

}  // namespace sidemeter
