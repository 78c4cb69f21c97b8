// Everything that handshakes are made with: certificate, key, authorities, versions, suites.
//
// Built whole or not at all, and never changed: sessions share it and keep it alive, so that a
// new one can take its place while they go on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/tls/tls_material.h"
#include "agent/tls/tls_settings.h"
#include "proto/result.h"

struct mbedtls_ssl_config;

namespace sidemeter {

// When the first of a role's certificates ends, in seconds since the epoch; unset where there is
// none.
struct TlsExpiry {
  std::optional<std::int64_t> server;     // of the chain that is served
  std::optional<std::int64_t> client_ca;  // of all authorities
  std::optional<std::int64_t> crl;        // when the next one is due
};

class TlsContext {
 public:
  // `settings` are well (check_settings). Errors are worded as the reference words them.
  static Result<std::shared_ptr<const TlsContext>, TlsError> build(const TlsSettings& settings,
                                                                   const TlsMaterial& material);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  const TlsExpiry& expiry() const { return expiry_; }
  std::string subject() const;  // of the server's certificate, for the log

  // For TlsSession. mbedTLS writes to none of it but to the random generator.
  const mbedtls_ssl_config& config() const;

 private:
  struct Parts;
  TlsContext();

  std::unique_ptr<Parts> parts_;
  TlsExpiry expiry_;
};

}  // namespace sidemeter
