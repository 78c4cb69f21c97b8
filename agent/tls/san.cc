#include "agent/tls/san.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace sidemeter {
namespace {

constexpr unsigned char kSequence = 0x30;
constexpr unsigned char kBoolean = 0x01;
constexpr unsigned char kOctetString = 0x04;
constexpr unsigned char kObjectIdentifier = 0x06;
constexpr std::string_view kSubjectAltName = "\x55\x1D\x11";  // 2.5.29.17

struct Element {
  unsigned char tag;
  std::string_view content;
};

// Takes one element off the front of `der`. Lengths have at most two bytes: a record of TLS is
// no longer.
//
//   82 0B 65 78 61 6D 70 6C 65 2E 6F 72 67
//   ^ tag  ^ length  ^ content
std::optional<Element> take(std::string_view& der) {
  if (der.size() < 2) return std::nullopt;
  const auto byte = [&der](std::size_t i) { return static_cast<unsigned char>(der[i]); };
  std::size_t length = byte(1);
  std::size_t head = 2;
  if (length > 0x82 || length == 0x80) return std::nullopt;
  if (length > 0x80) {
    const std::size_t length_bytes = length - 0x80;
    if (der.size() < head + length_bytes) return std::nullopt;
    length = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) length = length * 256 + byte(head + i);
    head += length_bytes;
  }
  if (der.size() - head < length) return std::nullopt;
  const Element element{byte(0), der.substr(head, length)};
  der.remove_prefix(head + length);
  return element;
}

std::optional<San::Kind> kind_of(unsigned char tag) {
  switch (tag) {
    case 0x81: return San::Kind::kEmail;
    case 0x82: return San::Kind::kDns;
    case 0x86: return San::Kind::kUri;
    case 0x87: return San::Kind::kIp;
    default: return std::nullopt;
  }
}

bool append_names(std::string_view der, std::vector<San>& names) {
  const auto list = take(der);
  if (!list || list->tag != kSequence || !der.empty()) return false;
  std::string_view rest = list->content;
  while (!rest.empty()) {
    const auto name = take(rest);
    if (!name) return false;
    if (const auto kind = kind_of(name->tag)) names.push_back({*kind, std::string(name->content)});
  }
  return true;
}

// Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING }
bool read_extension(std::string_view der, std::vector<San>& names) {
  const auto name = take(der);
  if (!name || name->tag != kObjectIdentifier) return false;
  auto value = take(der);
  if (value && value->tag == kBoolean) value = take(der);
  if (!value || value->tag != kOctetString || !der.empty()) return false;
  return name->content != kSubjectAltName || append_names(value->content, names);
}

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

std::optional<std::string> parse_ip(const std::string& text) {
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 4);
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 16);
  return std::nullopt;
}

}  // namespace

std::optional<San> parse_san(std::string_view text) {
  if (text.empty() || text.find('\0') != std::string_view::npos ||
      text.find('*') != std::string_view::npos) {
    return std::nullopt;
  }
  std::string value(text);
  if (auto address = parse_ip(value)) return San{San::Kind::kIp, *std::move(address)};
  if (text.find(':') != std::string_view::npos) return San{San::Kind::kUri, std::move(value)};
  if (text.find('@') != std::string_view::npos) return San{San::Kind::kEmail, std::move(value)};
  return San{San::Kind::kDns, std::move(value)};
}

std::optional<std::vector<San>> read_sans(std::string_view extensions) {
  std::vector<San> names;
  if (extensions.empty()) return names;
  const auto list = take(extensions);
  if (!list || list->tag != kSequence) return std::nullopt;
  std::string_view rest = list->content;
  while (!rest.empty()) {
    const auto extension = take(rest);
    if (!extension || extension->tag != kSequence) return std::nullopt;
    if (!read_extension(extension->content, names)) return std::nullopt;
  }
  return names;
}

bool is_allowed(const San& presented, const std::vector<San>& allowed) {
  if (presented.kind != San::Kind::kIp && (presented.value.find('\0') != std::string::npos ||
                                           presented.value.find('*') != std::string::npos)) {
    return false;
  }
  return std::any_of(allowed.begin(), allowed.end(), [&presented](const San& one) {
    if (one.kind != presented.kind) return false;
    if (one.kind == San::Kind::kDns) return equal_without_case(one.value, presented.value);
    return one.value == presented.value;
  });
}

}  // namespace sidemeter
