// Subject alternative names (RFC 5280, 4.2.1.6): those that a certificate holds, and those that an
// operator allows. Pure: reads DER itself, since mbedTLS 2.28 knows only DNS names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidemeter {

struct San {
  enum class Kind { kDns, kEmail, kUri, kIp };

  Kind kind;
  std::string value;  // of an IP address its 4 or 16 bytes

  friend bool operator==(const San&, const San&) = default;
};

// From an operator's text: an IP address; with a colon a URI; with an @ an e-mail address; else a
// DNS name. Nothing for what no certificate may match: an empty text, one with a NUL or a *.
std::optional<San> parse_san(std::string_view text);

// Of a certificate's extensions (DER, the SEQUENCE of them), every name of these four kinds as it
// stands there. Nothing where the DER is broken: then no name of it counts.
std::optional<std::vector<San>> read_sans(std::string_view extensions);

// Whether a name presented is one that is allowed: whole, of the same kind, DNS names without
// case. A wildcard or a NUL in what is presented matches nothing.
bool is_allowed(const San& presented, const std::vector<San>& allowed);

}  // namespace sidemeter
