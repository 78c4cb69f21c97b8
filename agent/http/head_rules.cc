#include "agent/http/head_rules.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <utility>

#include "agent/http/authority.h"

namespace sidemeter::http {
namespace {

HeadError malformed(std::string hint) { return {400, std::move(hint)}; }
constexpr auto kFine = [] { return HeadError{0, {}}; };

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || is_letter(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The authority of http://host:port/path, or nothing for another form.
std::optional<std::string_view> absolute_authority(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equal_without_case(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    return target.substr(0, target.find_first_of("/?"));
  }
  return std::nullopt;
}

HeadError check_target(std::string_view method, std::string_view target) {
  const bool visible = std::all_of(target.begin(), target.end(),
                                   [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
  if (target.empty() || !visible) return malformed("the request target wants visible characters");
  if (target.front() == '/') return kFine();
  if (target == "*" && method == "OPTIONS") return kFine();
  if (method == "CONNECT" && is_authority(target)) return kFine();
  if (const auto authority = absolute_authority(target)) {
    return is_authority(*authority) ? kFine() : malformed("the request target names no valid host");
  }
  return malformed("the request target wants a path or an absolute URI");
}

// token SP target SP HTTP/1.x
HeadError check_request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos || line.find(' ', second + 1) != std::string_view::npos) {
    return malformed("the request line is: method, blank, target, blank, version");
  }
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, second - first - 1);
  const auto version = line.substr(second + 1);
  if (!is_token(method)) return malformed("the method wants a token");
  const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") &&
                           is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
  if (!well_formed) return malformed("the version wants HTTP/1.0 or HTTP/1.1");
  if (version != "HTTP/1.0" && version != "HTTP/1.1") return {505, "use HTTP/1.0 or HTTP/1.1"};
  return check_target(method, target);
}

// What the fields say together.
struct Framing {
  int hosts = 0;
  std::string_view host;
  std::optional<std::string_view> content_length;
  bool transfer_encoding = false;
};

HeadError check_content_length(std::string_view value, Framing& framing) {
  const bool digits =
      !value.empty() && value.size() <= 18 && std::all_of(value.begin(), value.end(), is_digit);
  if (!digits) return malformed("Content-Length wants digits");
  if (framing.content_length && *framing.content_length != value) {
    return malformed("Content-Length is given twice");
  }
  framing.content_length = value;
  return kFine();
}

HeadError check_field(std::string_view line, Framing& framing) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return malformed("a header field wants a colon");
  const auto name = line.substr(0, colon);
  if (!is_token(name))
    return malformed("the name of a header field wants a token before its colon");
  const auto value = trimmed(line.substr(colon + 1));
  const bool clean = std::all_of(value.begin(), value.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != '\x7f');
  });
  if (!clean) return malformed("a header field holds a control character");
  if (equal_without_case(name, "Host")) {
    ++framing.hosts;
    framing.host = value;
  }
  if (equal_without_case(name, "Transfer-Encoding")) framing.transfer_encoding = true;
  if (equal_without_case(name, "Content-Length")) return check_content_length(value, framing);
  return kFine();
}

HeadError check_framing(std::string_view request_line, const Framing& framing) {
  const bool old = request_line.ends_with("HTTP/1.0");
  if (framing.hosts > 1 || (framing.hosts == 0 && !old))
    return malformed("exactly one Host is wanted");
  const auto target = request_line.substr(request_line.find(' ') + 1);
  // An empty one is for targets whose authority is not the Host's to give (RFC 9112, 3.2).
  const bool may_be_empty = absolute_authority(target) || target.starts_with('*');
  const bool fine = framing.host.empty() ? may_be_empty : is_authority(framing.host);
  if (framing.hosts == 1 && !fine)
    return malformed("Host wants a name or address, and a port at most");
  if (!framing.transfer_encoding) return kFine();
  if (framing.content_length)
    return malformed("Content-Length and Transfer-Encoding exclude each other");
  return old ? malformed("HTTP/1.0 has no Transfer-Encoding") : kFine();
}

}  // namespace

HeadError check_head(std::string_view head, const ScrapeLimits& limits) {
  const auto take_line = [&head] {
    const auto end = head.find("\r\n");
    const auto line = head.substr(0, end);
    head.remove_prefix(end + 2);
    return line;
  };
  const auto request_line = take_line();
  if (auto error = check_request_line(request_line); error.status != 0) return error;
  Framing framing;
  std::size_t fields = 0;
  for (auto line = take_line(); !line.empty(); line = take_line()) {
    if (++fields > limits.header_fields) {
      return {431, "at most " + std::to_string(limits.header_fields) + " header fields"};
    }
    if (auto error = check_field(line, framing); error.status != 0) return error;
  }
  return check_framing(request_line, framing);
}

}  // namespace sidemeter::http
