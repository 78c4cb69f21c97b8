// Reads a user and a password out of an Authorization field (RFC 7617).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sidemeter::http {

struct BasicCredentials {
  std::string user;
  std::string password;

  friend bool operator==(const BasicCredentials&, const BasicCredentials&) = default;
};

// Nothing where the scheme is another, the base64 is broken, or a byte is a control character.
std::optional<BasicCredentials> parse_basic(std::string_view authorization);

}  // namespace sidemeter::http
