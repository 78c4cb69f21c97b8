#include "agent/tls/tls_settings.h"

#include "agent/tls/cipher_suites.h"
#include "agent/tls/mbedtls_version.h"
#include "agent/tls/san.h"

namespace sidemeter {

namespace {

Result<Done, TlsError> check_clients(const TlsSettings& s) {
  const bool asks_clients = s.client_auth != ClientAuth::kNone || !s.client_ca_file.empty() ||
                            !s.client_ca_path.empty() || !s.client_crl_file.empty() ||
                            !s.client_allowed_sans.empty();
  if (asks_clients && !s.enabled()) {
    return TlsError{
        "clients can only be authenticated with TLS: expected --tls-cert and --tls-key"};
  }
  if (asks_clients && s.client_auth == ClientAuth::kNone) {
    return TlsError{
        "expected --client-auth request or require with --client-ca-file, "
        "--client-ca-path, --client-crl-file and --client-allowed-san, got none"};
  }
  if (!s.client_allowed_sans.empty() && s.client_auth != ClientAuth::kRequire) {
    return TlsError{
        "--client-allowed-san needs --client-auth require: without a certificate a "
        "client has no name"};
  }
  for (const std::string& text : s.client_allowed_sans) {
    if (parse_san(text)) continue;
    return TlsError{
        "--client-allowed-san: expected a DNS name, IP address, e-mail address or URI "
        "without wildcard, got \"" +
        text + "\""};
  }
  return Done{};
}

}  // namespace

Result<Done, TlsError> check_settings(const TlsSettings& s) {
  if (s.certificate_file.empty() != s.key_file.empty()) {
    return TlsError{
        "TLS needs a certificate and its key: expected --tls-cert and --tls-key, got "
        "only " +
        std::string(s.key_file.empty() ? "--tls-cert" : "--tls-key")};
  }
  if (auto checked = check_clients(s); !checked) return checked;
  if (s.min_version > s.max_version) {
    return TlsError{"--tls-min-version is above --tls-max-version"};
  }
  if (s.min_version > mbedtls::kNewestVersion) {
    return TlsError{"--tls-min-version: TLS 1.3 needs mbedTLS 3.6, got " MBEDTLS_VERSION_STRING};
  }
  if (const auto suites = choose_suites(s.ciphers, s.max_version); !suites) {
    return TlsError{"--tls-ciphers: " + suites.error().message};
  }
  return Done{};
}

}  // namespace sidemeter
