#include "proto/fields.h"

#include <algorithm>

#include "proto/series.h"
#include "proto/words.h"

namespace sidemeter {
namespace {

Error syntax(std::string message) { return {Reason::kBadSyntax, std::move(message)}; }

// "my client" with the escapes of a label value: read as one.
Result<std::string> take_quoted(std::string_view& text) {
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  if (end >= text.size()) return syntax("a quoted value ends in a quote");
  PushLimits any;
  any.label_value_bytes = text.size();
  auto labels = parse_labels("{v=" + std::string(text.substr(0, end + 1)) + '}', any);
  if (!labels) return labels.error();
  text.remove_prefix(end + 1);
  if (!text.empty() && !is_blank(text.front())) return syntax("a blank ends a quoted value");
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return (*labels)[0].value;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \t\n\"\\") != std::string_view::npos;
}

}  // namespace

Result<Field> take_field(std::string_view& text) {
  const auto equals = text.find('=');
  const auto key = text.substr(0, std::min(equals, text.size()));
  if (equals == std::string_view::npos || key.empty() ||
      std::any_of(key.begin(), key.end(), is_blank)) {
    return syntax("wanted KEY=VALUE, got \"" + std::string(text.substr(0, 64)) + "\"");
  }
  Field field{std::string(key), {}};
  text.remove_prefix(equals + 1);
  if (text.starts_with('"')) {
    auto value = take_quoted(text);
    if (!value) return value.error();
    field.value = *std::move(value);
    return field;
  }
  // A value may be empty: then a blank follows the equals sign.
  if (!text.empty() && !is_blank(text.front())) {
    field.value = take_word(text);
  } else {
    text = trimmed(text);
  }
  return field;
}

void append_field(std::string& out, std::string_view key, std::string_view value) {
  out += ' ';
  out += key;
  out += '=';
  if (!needs_quotes(value)) {
    out += value;
    return;
  }
  out += '"';
  append_escaped(out, value, Quotes::kEscape);
  out += '"';
}

}  // namespace sidemeter
