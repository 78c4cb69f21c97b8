#include "agent/http/negotiation.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>

namespace sidemeter::http {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Cuts at `mark` where it stands outside of quotes (RFC 9110, 5.6.4).
std::vector<std::string_view> split(std::string_view text, char mark) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  bool in_quotes = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') in_quotes = !in_quotes;
    if (text[at] == '\\' && in_quotes) ++at;
    if (at >= text.size() || text[at] != mark || in_quotes) continue;
    parts.push_back(trimmed(text.substr(begin, at - begin)));
    begin = at + 1;
  }
  parts.push_back(trimmed(text.substr(begin)));
  return parts;
}

std::string unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string out;
  for (std::size_t at = 1; at + 1 < text.size(); ++at) {
    if (text[at] == '\\' && at + 2 < text.size()) ++at;
    out += text[at];
  }
  return out;
}

// An element of Accept or Accept-Encoding, in lower case: `text/plain; version=0.0.4; q=0.5`.
struct Element {
  std::string name;
  double quality = 1;
  std::string version;
  std::string escaping;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// 0 to 1 with at most three decimals (RFC 9110, 12.4.2).
std::optional<double> parse_quality(std::string_view text) {
  const auto is_part = [](char c) { return is_digit(c) || c == '.'; };
  const bool fine = !text.empty() && text.size() <= 5 && is_digit(text.front()) &&
                    (text.size() == 1 || text[1] == '.') &&
                    std::all_of(text.begin(), text.end(), is_part);
  if (!fine) return std::nullopt;
  double quality = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), quality).ptr;
  if (end != text.data() + text.size() || quality > 1) return std::nullopt;
  return quality;
}

// Numbers between dots; none at all where the element names no version.
bool is_version(std::string_view text) {
  const auto is_part = [](char c) { return is_digit(c) || c == '.'; };
  return std::all_of(text.begin(), text.end(), is_part) && !text.starts_with('.') &&
         !text.ends_with('.') && text.find("..") == std::string_view::npos;
}

std::optional<Element> parse_element(std::string_view text) {
  const auto parts = split(text, ';');
  Element element;
  element.name = lower(parts[0]);
  if (element.name.empty()) return std::nullopt;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto equals = parts[i].find('=');
    if (equals == std::string_view::npos) continue;
    const auto key = lower(trimmed(parts[i].substr(0, equals)));
    const auto value = unquoted(trimmed(parts[i].substr(equals + 1)));
    if (key == "version") element.version = value;
    if (key == "escaping") element.escaping = lower(value);
    if (key != "q") continue;
    const auto quality = parse_quality(value);
    if (!quality) return std::nullopt;
    element.quality = *quality;
  }
  if (!is_version(element.version)) return std::nullopt;
  return element;
}

std::vector<Element> parse_elements(std::string_view field) {
  std::vector<Element> elements;
  for (const auto part : split(field, ',')) {
    if (auto element = parse_element(part)) elements.push_back(*std::move(element));
  }
  std::stable_sort(elements.begin(), elements.end(),
                   [](const Element& a, const Element& b) { return a.quality > b.quality; });
  return elements;
}

Escaping parse_escaping(std::string_view scheme) {
  for (const auto escaping : {Escaping::kAllowUtf8, Escaping::kDots, Escaping::kValues}) {
    if (scheme == word(escaping)) return escaping;
  }
  return Escaping::kUnderscores;
}

// Whether a version is 1.0.0 or above: then the scraper may name an escaping scheme.
bool is_modern(std::string_view version) {
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  return major >= 1;
}

// Our own preference, where a wildcard leaves it to us.
constexpr std::array<Format, 3> kOffers = {Format::kText004, Format::kText100,
                                           Format::kOpenMetrics};

// Whether the element speaks of the format, to ask for it or (q=0) to exclude it.
bool matches(const Element& element, Format format) {
  const bool text = format != Format::kOpenMetrics;
  if (element.name == "*/*") return true;
  if (element.name == "text/*") return text;
  if (element.name == "application/*") return !text;
  if (element.name == "text/plain") {
    if (!text || element.version.empty()) return text;
    return format == Format::kText004 ? element.version == "0.0.4" : is_modern(element.version);
  }
  if (element.name != "application/openmetrics-text" || text) return false;
  // 0.0.1 is asked for and 1.0.0 given; excluded, it excludes nothing that is given.
  if (element.version == "0.0.1") return element.quality > 0;
  return element.version.empty() || is_modern(element.version);
}

// How much an element names: nothing, a type, a subtype, a version (RFC 9110, 12.5.1).
int precedence(const Element& element) {
  if (element.name == "*/*") return 0;
  if (element.name.ends_with("/*")) return 1;
  return element.version.empty() ? 2 : 3;
}

// q=0 excludes a format from what is asked for no more precisely.
bool is_excluded(const std::vector<Element>& elements, const Element& wish, Format format) {
  return std::any_of(elements.begin(), elements.end(), [&](const Element& element) {
    return element.quality == 0 && matches(element, format) &&
           precedence(element) >= precedence(wish);
  });
}

}  // namespace

Choice negotiate(std::string_view accept) {
  const auto elements = parse_elements(accept);
  for (const auto& element : elements) {
    if (element.quality == 0) break;
    for (const auto format : kOffers) {
      if (!matches(element, format) || is_excluded(elements, element, format)) continue;
      Choice choice{format, Escaping::kUnderscores, false};
      if (format == Format::kText004) return choice;
      if (is_modern(element.version)) choice.escaping = parse_escaping(element.escaping);
      // text/plain 1.0.0 always says how names are escaped (behaviour 13).
      choice.names_escaping = format == Format::kText100 || is_modern(element.version);
      return choice;
    }
  }
  return {};
}

std::string content_type(const Choice& choice) {
  std::string type;
  switch (choice.format) {
    case Format::kText004: return "text/plain; version=0.0.4; charset=utf-8";
    case Format::kText100: type = "text/plain; version=1.0.0; charset=utf-8"; break;
    case Format::kOpenMetrics:
      type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
      break;
  }
  if (choice.names_escaping) type += "; escaping=" + std::string(word(choice.escaping));
  return type;
}

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<double> gzip;
  double any = 0;
  for (const auto& element : parse_elements(accept_encoding)) {
    if (element.name == "gzip" || element.name == "x-gzip") gzip = gzip.value_or(element.quality);
    if (element.name == "*") any = element.quality;
  }
  return gzip.value_or(any) > 0;
}

namespace {

int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = static_cast<char>(c | 0x20);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// application/x-www-form-urlencoded; a bad escape stays as it is.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int high = at + 2 < text.size() ? hexadecimal(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? hexadecimal(text[at + 2]) : -1;
    if (text[at] == '%' && high >= 0 && low >= 0) {
      out += static_cast<char>(high * 16 + low);
      at += 2;
    } else {
      out += text[at] == '+' ? ' ' : text[at];
    }
  }
  return out;
}

}  // namespace

Target parse_target(std::string_view text) {
  Target target;
  const auto scheme = text.find("://");
  if (!text.starts_with('/') && scheme != std::string_view::npos) {
    const auto path = text.find_first_of("/?", scheme + 3);
    text = path == std::string_view::npos ? std::string_view() : text.substr(path);
  }
  const auto question = text.find('?');
  target.path = text.substr(0, question);
  if (question == std::string_view::npos) return target;
  auto query = text.substr(question + 1);
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || decoded(pair.substr(0, equals)) != "name[]") continue;
    auto name = decoded(pair.substr(equals + 1));
    if (name.empty()) continue;
    target.names.push_back(std::move(name));
    target.filters = true;
  }
  return target;
}

}  // namespace sidemeter::http
