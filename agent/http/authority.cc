#include "agent/http/authority.h"

#include <algorithm>
#include <charconv>

namespace sidemeter::http {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hexadecimal(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// 0 to 255, written in one way only.
bool is_octet(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0')) return false;
  int value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value).ptr;
  return end == text.data() + text.size() && value >= 0 && value <= 255;
}

bool is_ipv4(std::string_view text) {
  for (int octets = 1; octets < 4; ++octets) {
    const auto dot = text.find('.');
    if (dot == std::string_view::npos || !is_octet(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
  }
  return is_octet(text);
}

// Eight groups; one `::` stands for one or more of them, and an IPv4 address for the last two.
bool is_ipv6(std::string_view text) {
  int groups = 0;
  bool gap = text.starts_with("::");
  if (gap) text.remove_prefix(2);
  while (!text.empty()) {
    const auto colon = text.find(':');
    const auto group = text.substr(0, colon);
    if (colon == std::string_view::npos && is_ipv4(group)) {
      groups += 2;
      break;
    }
    const bool fine = !group.empty() && group.size() <= 4 &&
                      std::all_of(group.begin(), group.end(), is_hexadecimal);
    if (!fine) return false;
    ++groups;
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return false;
    if (text.front() != ':') continue;
    if (gap) return false;
    gap = true;
    text.remove_prefix(1);
  }
  return gap ? groups <= 7 : groups == 8;
}

// unreserved / pct-encoded / sub-delims; an IPv4 address is one too.
bool is_name(std::string_view text) {
  static constexpr std::string_view kMarks = "-._~!$&'()*+;=";
  if (text.empty()) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (is_digit(c) || is_letter(c) || kMarks.find(c) != std::string_view::npos) continue;
    const bool escape = c == '%' && at + 2 < text.size() && is_hexadecimal(text[at + 1]) &&
                        is_hexadecimal(text[at + 2]);
    if (!escape) return false;
    at += 2;
  }
  return true;
}

// Nothing, or a colon and digits; RFC 3986 lets them be missing.
bool is_port(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != ':') return false;
  text.remove_prefix(1);
  if (text.size() > 5 || !std::all_of(text.begin(), text.end(), is_digit)) return false;
  int port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port <= 65535;
}

}  // namespace

bool is_authority(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    return end != std::string_view::npos && is_ipv6(text.substr(1, end - 1)) &&
           is_port(text.substr(end + 1));
  }
  const auto colon = std::min(text.find(':'), text.size());
  return is_name(text.substr(0, colon)) && is_port(text.substr(colon));
}

}  // namespace sidemeter::http
