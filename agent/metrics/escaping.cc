#include "agent/metrics/escaping.h"

#include <array>
#include <charconv>
#include <cstdint>

#include "proto/series.h"

namespace sidemeter {
namespace {

enum class Colon { kNotAllowed, kAllowed };

bool is_classic(char c, bool first, Colon colon) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') return true;
  if (c >= '0' && c <= '9') return !first;
  return c == ':' && colon == Colon::kAllowed;
}

// How many bytes the character takes that begins with `lead`; names are valid UTF-8.
std::size_t character_bytes(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

std::uint32_t code_point(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead;
  std::uint32_t point = lead & (0x7Fu >> character.size());
  for (const char c : character.substr(1))
    point = point << 6 | (static_cast<unsigned char>(c) & 0x3Fu);
  return point;
}

void append_hexadecimal(std::string& out, std::uint32_t number) {
  std::array<char, 8> text;
  out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), number, 16).ptr);
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  append_escaped(out, name, Quotes::kEscape);
  return out + '"';
}

// One character by the scheme.
void append_character(std::string& out, std::string_view character, bool classic,
                      Escaping escaping) {
  const bool underscore = character == "_";
  switch (escaping) {
    case Escaping::kDots:
      if (underscore) {
        out += "__";
      } else if (character == ".") {
        out += "_dot_";
      } else {
        out += classic ? character : "__";
      }
      return;
    case Escaping::kValues:
      if (underscore) {
        out += "__";
      } else if (classic) {
        out += character;
      } else {
        out += '_';
        append_hexadecimal(out, code_point(character));
        out += '_';
      }
      return;
    default: out += classic ? character : "_";
  }
}

std::string escape(std::string_view name, Escaping escaping, Colon colon, bool whole_is_classic) {
  if (whole_is_classic && escaping != Escaping::kDots) return std::string(name);
  if (escaping == Escaping::kAllowUtf8) return quoted(name);
  std::string out = escaping == Escaping::kValues ? "U__" : "";
  for (std::size_t at = 0; at < name.size();) {
    const auto character = name.substr(at, character_bytes(name[at]));
    append_character(out, character, is_classic(name[at], at == 0, colon), escaping);
    at += character.size();
  }
  return out;
}

}  // namespace

std::string escape_metric_name(std::string_view name, Escaping escaping) {
  return escape(name, escaping, Colon::kAllowed, is_classic_metric_name(name));
}

std::string escape_label_name(std::string_view name, Escaping escaping) {
  return escape(name, escaping, Colon::kNotAllowed, is_classic_label_name(name));
}

}  // namespace sidemeter
