#include "agent/option_value.h"

#include <arpa/inet.h>
#include <grp.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace sidemeter {

OptionsError wanted(std::string_view what, std::string_view found) {
  return {"expected " + std::string(what) + ", got \"" + std::string(found) + "\""};
}

std::optional<std::uint64_t> parse_digits(std::string_view text, int base) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, number, base);
  if (failed != std::errc() || stop != end) return std::nullopt;
  return number;
}

Parsed<std::uint64_t> parse_count(std::string_view text, Range range) {
  const auto number = parse_digits(text);
  if (number && *number >= range.least && *number <= range.most) return *number;
  return wanted("a whole number from " + range.text(), text);
}

Parsed<std::uint64_t> parse_bytes(std::string_view text, Range range) {
  const auto error = wanted("bytes from " + range.text() + " (KiB, MiB or GiB may follow)", text);
  std::string_view digits = text;
  std::uint64_t unit = 1;
  for (const std::string_view suffix : {"KiB", "MiB", "GiB"}) {
    unit *= 1024;
    if (!text.ends_with(suffix)) continue;
    digits.remove_suffix(suffix.size());
    break;
  }
  if (digits.size() == text.size()) unit = 1;
  const auto number = parse_digits(digits);
  if (!number || *number > range.most / unit || *number * unit < range.least) return error;
  return *number * unit;
}

Parsed<std::uint64_t> parse_seconds(std::string_view text, Range range_ms) {
  double seconds = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, seconds, std::chars_format::fixed);
  const double ms = std::round(seconds * 1000);
  if (failed == std::errc() && stop == end && ms >= static_cast<double>(range_ms.least) &&
      ms <= static_cast<double>(range_ms.most)) {
    return static_cast<std::uint64_t>(ms);
  }
  std::array<char, 64> range{};
  std::snprintf(range.data(), range.size(), "seconds from %g to %.0f",
                static_cast<double>(range_ms.least) / 1000,
                static_cast<double>(range_ms.most) / 1000);
  return wanted(range.data(), text);
}

bool is_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const auto port = parse_digits(text.substr(colon + 1));
  std::string host(text.substr(0, colon));
  std::array<char, sizeof(in6_addr)> address{};
  if (!port || *port > 65'535 || host.find('\0') != std::string::npos) return false;
  if (!host.starts_with('[')) return inet_pton(AF_INET, host.c_str(), address.data()) == 1;
  if (!host.ends_with(']')) return false;
  host = host.substr(1, host.size() - 2);
  return inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

std::optional<std::uint32_t> find_group(const std::string& name, const char* file) {
  std::FILE* groups = std::fopen(file, "re");
  if (groups == nullptr) return std::nullopt;
  std::optional<std::uint32_t> gid;
  for (const group* entry = fgetgrent(groups); entry && !gid; entry = fgetgrent(groups)) {
    if (name == entry->gr_name) gid = entry->gr_gid;
  }
  std::fclose(groups);
  return gid;
}

}  // namespace sidemeter
