// What an operator asks of TLS: files, who may connect, versions and suites. A plain value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.h"

namespace sidemeter {

// One line that names the file, what was found, and what was wanted.
struct TlsError {
  std::string message;
};

enum class TlsVersion : std::uint8_t { kTls12, kTls13 };

enum class ClientAuth : std::uint8_t {
  kNone,
  kRequest,  // a client may come without a certificate; one that it presents must be good
  kRequire,
};

constexpr std::string_view word(ClientAuth auth) {
  switch (auth) {
    case ClientAuth::kRequest: return "request";
    case ClientAuth::kRequire: return "require";
    case ClientAuth::kNone: break;
  }
  return "none";
}

struct TlsSettings {
  // PEM. Both or none: TLS is on when they are given.
  std::string certificate_file;  // the server's, its intermediates after it
  std::string key_file;
  std::string key_password_file;  // its first line, where the key is encrypted

  ClientAuth client_auth = ClientAuth::kNone;
  // Whose certificates clients may present. Neither: the system's store, which is hardly ever
  // meant.
  std::string client_ca_file;  // a bundle
  std::string client_ca_path;  // a folder of certificates, with hashed names or others
  std::string client_crl_file;
  // Names of which a client's certificate must hold one as a subjectAltName: DNS names, IP
  // addresses, e-mail addresses, URIs. Empty: whoever the authority vouches for.
  std::vector<std::string> client_allowed_sans;

  TlsVersion min_version = TlsVersion::kTls12;
  TlsVersion max_version = TlsVersion::kTls13;  // as far as mbedTLS goes
  std::vector<std::string> ciphers;             // by IANA's names; empty: all that are sound

  bool enabled() const { return !certificate_file.empty() && !key_file.empty(); }
  bool uses_system_store() const {
    return client_auth != ClientAuth::kNone && client_ca_file.empty() && client_ca_path.empty();
  }

  friend bool operator==(const TlsSettings&, const TlsSettings&) = default;
};

// Checks what needs no file: versions, suites, names, and what goes with what. Never plain HTTP,
// never everybody, by surprise.
Result<Done, TlsError> check_settings(const TlsSettings& settings);

}  // namespace sidemeter
