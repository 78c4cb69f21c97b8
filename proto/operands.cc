#include "proto/operands.h"

#include <charconv>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <string>

#include "proto/utf8.h"
#include "proto/words.h"

namespace sidemeter {
namespace {

// Whole numbers up to here are exact in a double.
constexpr double kMaxCount = 9007199254740992.0;

Error bad_number(std::string_view word) {
  return {Reason::kBadValue, "wanted a number, got \"" + std::string(word) + "\""};
}

Error missing(std::string_view what) {
  return {Reason::kBadSyntax, "wanted " + std::string(what) + ", got nothing"};
}

Status at_end(std::string_view rest) {
  if (rest.empty()) return Done{};
  return Error{Reason::kBadSyntax, "nothing may follow, got \"" + std::string(rest) + "\""};
}

// What is too large or too small for a double: as strtod, whatever locale the program is in.
double out_of_range(std::string_view word) {
  static const locale_t kCLocale = newlocale(LC_ALL_MASK, "C", nullptr);
  return strtod_l(std::string(word).c_str(), nullptr, kCLocale);
}

// A whole number of up to nine digits: what most operands are.
std::optional<double> short_number(std::string_view digits) {
  if (digits.empty() || digits.size() > 9) return std::nullopt;
  std::uint32_t whole = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    whole = whole * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  return static_cast<double>(whole);
}

Result<double> parse_count(std::string_view word, double least) {
  auto count = parse_number(word);
  if (!count) return count;
  if (*count >= least && *count <= kMaxCount && *count == std::trunc(*count)) return count;
  return Error{Reason::kBadValue, "a count is a whole number from " +
                                      std::to_string(static_cast<int>(least)) + " to 2^53, got \"" +
                                      std::string(word) + "\""};
}

//  # {trace_id="abc"} 1 1700000000.0
Result<Exemplar> parse_exemplar(std::string_view text, const PushLimits& limits) {
  text = trimmed(text);
  const auto length = text.starts_with('{') ? series_length(text) : 0;
  auto labels = parse_labels(text.substr(0, length), limits);
  if (!labels) return labels.error();
  Exemplar exemplar{*std::move(labels), 0, {}};
  std::size_t characters = 0;
  for (std::size_t i = 0; i < exemplar.labels.size(); ++i) {
    const auto& label = exemplar.labels[i];
    characters += count_characters(label.name) + count_characters(label.value);
    for (std::size_t j = 0; j < i; ++j) {
      if (exemplar.labels[j].name != label.name) continue;
      return Error{Reason::kBadLabel, "exemplar label \"" + label.name + "\" is given twice"};
    }
  }
  if (characters > kMaxExemplarCharacters) {
    return Error{Reason::kLabelLimit, "an exemplar's labels have at most 128 characters, got " +
                                          std::to_string(characters)};
  }
  auto rest = text.substr(length);
  if (!rest.empty() && !is_blank(rest.front())) {
    return Error{Reason::kBadSyntax, "a blank stands before the exemplar's value"};
  }
  const auto value_word = take_word(rest);
  if (value_word.empty()) return missing("the exemplar's value");
  const auto value = parse_number(value_word);
  if (!value) return value.error();
  exemplar.value = *value;
  if (const auto word = take_word(rest); !word.empty()) {
    const auto timestamp = parse_number(word);
    if (!timestamp) return timestamp.error();
    if (!std::isfinite(*timestamp)) return bad_number(word);
    exemplar.timestamp = *timestamp;
  }
  if (auto status = at_end(rest); !status) return status.error();
  return exemplar;
}

// Cuts ` # {…` off the operands; a `#` that is no word of its own is no mark.
Status take_exemplar(std::string_view& text, const PushLimits& limits, Operands& out) {
  out.exemplar.reset();
  const auto mark = text.find('#');
  if (mark == std::string_view::npos || (mark > 0 && !is_blank(text[mark - 1]))) return Done{};
  if (mark + 1 < text.size() && !is_blank(text[mark + 1])) return Done{};
  auto exemplar = parse_exemplar(text.substr(mark + 1), limits);
  if (!exemplar) return exemplar.error();
  out.exemplar = *std::move(exemplar);
  text = trimmed(text.substr(0, mark));
  return Done{};
}

Status parse_counter(std::string_view text, const PushLimits& limits, Operands& out) {
  if (auto status = take_exemplar(text, limits, out); !status) return status;
  out.value = 1;
  if (text.empty()) return Done{};
  const auto word = take_word(text);
  if (auto status = at_end(text); !status) return status;
  const auto number = parse_number(word);
  if (!number) return number.error();
  if (std::isnan(*number) || std::isinf(*number)) {
    return Error{Reason::kBadValue, "counter increment must be finite, got " + std::string(word)};
  }
  if (*number < 0) {
    return Error{Reason::kNegativeCounter,
                 "counter increment must be >= 0, got " + std::string(word)};
  }
  out.value = *number;
  return Done{};
}

Status parse_gauge(std::string_view text, Operands& out) {
  auto word = take_word(text);
  if (word.empty()) return missing("a value");
  if ((word == "+=" || word == "-=") && !text.empty()) {
    return Error{Reason::kBadSyntax,
                 "the value stands right behind " + std::string(word) + ", without a blank"};
  }
  if (auto status = at_end(text); !status) return status;
  const bool adds = word.starts_with("+=");
  const bool subtracts = word.starts_with("-=");
  out.operation =
      adds || subtracts ? Operands::GaugeOperation::kAdd : Operands::GaugeOperation::kSet;
  if (adds || subtracts) word.remove_prefix(2);
  const auto number = parse_number(word);
  if (!number) return number.error();
  out.value = subtracts ? -*number : *number;
  return Done{};
}

Status parse_observations(Verb verb, std::string_view text, const PushLimits& limits,
                          Operands& out) {
  const auto whole = text;
  if (verb == Verb::kHistogram) {
    if (auto status = take_exemplar(text, limits, out); !status) return status;
  } else {
    out.exemplar.reset();
  }
  out.observations.clear();
  while (!text.empty()) {
    const auto word = take_word(text);
    const auto star = word.find('*');
    const auto value = parse_number(word.substr(0, star));
    if (!value) return value.error();
    if (std::isnan(*value)) return Error{Reason::kBadValue, "NaN cannot be observed"};
    Observation observation{*value};
    if (star != std::string_view::npos) {
      const auto count = parse_count(word.substr(star + 1), 1);
      if (!count) return count.error();
      observation.count = *count;
    }
    out.observations.push_back(observation);
  }
  if (out.observations.empty()) return missing("a value to observe");
  const bool single = out.observations.size() == 1 && out.observations[0].count == 1;
  if (!out.exemplar || single) return Done{};
  return Error{Reason::kBadSyntax,
               "an exemplar belongs to a single observation, got \"" + std::string(whole) + "\""};
}

Status parse_merge(std::string_view text, Operands& out) {
  const auto word = take_word(text);
  if (word.empty() || text.empty()) return missing("a sum and counts");
  const auto sum = parse_number(word);
  if (!sum) return sum.error();
  if (std::isnan(*sum)) return Error{Reason::kBadValue, "a sum cannot be NaN"};
  out.value = *sum;
  out.counts.clear();
  while (!text.empty()) {
    const auto count = parse_count(take_word(text), 0);
    if (!count) return count.error();
    out.counts.push_back(*count);
  }
  return Done{};
}

}  // namespace

Result<double> parse_number(std::string_view word) {
  auto digits = word;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  if (const auto number = short_number(digits)) return *number;
  if (digits.size() < word.size() && digits.starts_with('-')) return bad_number(word);
  double number = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (end != digits.data() + digits.size() || fault == std::errc::invalid_argument) {
    return bad_number(word);
  }
  return fault == std::errc::result_out_of_range ? out_of_range(word) : number;
}

Status parse_operands(Verb verb, std::string_view text, const PushLimits& limits, Operands& out) {
  text = trimmed(text);
  if (verb == Verb::kCounter || verb == Verb::kGauge) {
    if (const auto number = short_number(text)) {
      out.value = *number;
      out.operation = Operands::GaugeOperation::kSet;
      out.exemplar.reset();
      return Done{};
    }
  }
  switch (verb) {
    case Verb::kCounter: return parse_counter(text, limits, out);
    case Verb::kGauge: return parse_gauge(text, out);
    case Verb::kHistogram:
    case Verb::kSummary: return parse_observations(verb, text, limits, out);
    case Verb::kMerge: return parse_merge(text, out);
    case Verb::kStateset:
      out.state = text;
      if (text.empty()) return missing("a state");
      return Done{};
    case Verb::kInfo:
    case Verb::kRemove:
    case Verb::kClear: return at_end(text);
  }
  return Done{};
}

}  // namespace sidemeter
