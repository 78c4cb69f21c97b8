#include "proto/utf8.h"

#include <cstdint>
#include <cstring>

namespace sidemeter {
namespace {

// Whether eight bytes are all ASCII and none is NUL.
bool plain(const char* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  constexpr std::uint64_t kHigh = 0x8080'8080'8080'8080u;
  constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101u;
  return ((word | (word - kOnes)) & kHigh) == 0;
}

// The length of the character at `at`, or 0 where there is none (RFC 3629, 4).
std::size_t character(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const auto within = [&](std::size_t i, unsigned low, unsigned high) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(0);
  if (lead >= 0xC2 && lead <= 0xDF) return within(1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return within(1, low, high) && within(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead < 0xF0 || lead > 0xF4) return 0;
  const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
  return within(1, low, high) && within(2, 0x80, 0xBF) && within(3, 0x80, 0xBF) ? 4 : 0;
}

}  // namespace

TextFault find_fault(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (at + 8 <= text.size() && plain(text.data() + at)) {
      at += 8;
      continue;
    }
    // The last few bytes, with some before them that are known to be good.
    if (text.size() - at < 8 && text.size() >= 8 && plain(text.data() + text.size() - 8)) break;
    if (text[at] == '\0') return TextFault::kNul;
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const auto bytes = character(text, at);
    if (bytes == 0) return TextFault::kNotUtf8;
    at += bytes;
  }
  return TextFault::kNone;
}

Status check_text(std::string_view text) {
  switch (find_fault(text)) {
    case TextFault::kNone: break;
    case TextFault::kNotUtf8:
      return Error{Reason::kBadUtf8, "a record is UTF-8, and this one is not"};
    case TextFault::kNul:
      return Error{Reason::kBadSyntax, "a record has no NUL byte, and this one has"};
  }
  return Done{};
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

}  // namespace sidemeter
