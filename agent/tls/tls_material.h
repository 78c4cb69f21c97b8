// The files that TLS is made of, read whole, before anything is made of them: two readings are
// compared to know whether anything has changed on disk.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/tls/tls_settings.h"
#include "proto/result.h"

namespace sidemeter {

struct TlsFile {
  std::string path;
  std::string text;
  std::string cause;  // why it could not be read; empty where it was

  friend bool operator==(const TlsFile&, const TlsFile&) = default;
};

struct TlsMaterial {
  TlsFile certificate;
  TlsFile key;
  std::optional<TlsFile> key_password;
  std::vector<TlsFile> client_cas;  // of the file first, then of the folder, by name
  std::string client_cas_cause;     // why there are none: of the folder as a whole
  std::optional<TlsFile> client_crl;

  friend bool operator==(const TlsMaterial&, const TlsMaterial&) = default;
};

// Where the system keeps the authorities that it trusts.
inline constexpr const char* kSystemStore = "/etc/ssl/certs/ca-certificates.crt";

// Reads all that `settings` name. What cannot be read says so in the file's `cause`.
TlsMaterial read_material(const TlsSettings& settings);

}  // namespace sidemeter
