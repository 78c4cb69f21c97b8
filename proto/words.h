// Cuts the words of a record: blanks are space and tab.
#pragma once

#include <cstddef>
#include <string_view>

namespace sidemeter {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the first word off `text`, with the blanks around it; empty at the end.
constexpr std::string_view take_word(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  std::size_t length = 0;
  while (length < text.size() && !is_blank(text[length])) ++length;
  const auto word = text.substr(0, length);
  text.remove_prefix(length);
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return word;
}

}  // namespace sidemeter
