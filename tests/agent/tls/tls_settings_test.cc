#include "agent/tls/tls_settings.h"

#include <functional>

#include "agent/tls/mbedtls_version.h"
#include "tests/support/catch.h"

namespace sidemeter::test {
namespace {

TlsSettings good() {
  TlsSettings settings;
  settings.certificate_file = "server.pem";
  settings.key_file = "server.key";
  settings.client_auth = ClientAuth::kRequire;
  settings.client_ca_file = "ca.pem";
  return settings;
}

std::string fault(const std::function<void(TlsSettings&)>& change) {
  TlsSettings settings = good();
  change(settings);
  const auto checked = check_settings(settings);
  return checked ? "" : checked.error().message;
}

}  // namespace

TEST_CASE("no TLS is well, and so is TLS with all that it needs") {
  CHECK(check_settings(TlsSettings{}));
  CHECK(check_settings(good()));
}

TEST_CASE("behaviour 26: a certificate without its key is an error, and the reverse") {
  CHECK(fault([](TlsSettings& s) { s.key_file.clear(); }) ==
        "TLS needs a certificate and its key: expected --tls-cert and --tls-key, got only "
        "--tls-cert");
  CHECK(
      fault([](TlsSettings& s) { s.certificate_file.clear(); }) ==
      "TLS needs a certificate and its key: expected --tls-cert and --tls-key, got only --tls-key");
}

TEST_CASE("behaviour 26: clients are not authenticated without TLS") {
  CHECK(fault([](TlsSettings& s) { s.certificate_file = s.key_file = ""; }) ==
        "clients can only be authenticated with TLS: expected --tls-cert and --tls-key");
}

TEST_CASE("authorities and names without authentication are not forgotten in silence") {
  CHECK_FALSE(fault([](TlsSettings& s) { s.client_auth = ClientAuth::kNone; }).empty());
  CHECK_FALSE(fault([](TlsSettings& s) {
                s.client_auth = ClientAuth::kRequest;
                s.client_allowed_sans = {"a.example"};
              }).empty());
}

TEST_CASE("a name with a wildcard is none") {
  CHECK(fault([](TlsSettings& s) {
          s.client_allowed_sans = {"*.example"};
        }).ends_with("got \"*.example\""));
}

TEST_CASE("versions are in order, and no more is asked than mbedTLS has") {
  CHECK_FALSE(fault([](TlsSettings& s) {
                s.min_version = TlsVersion::kTls13;
                s.max_version = TlsVersion::kTls12;
              }).empty());
  CHECK(fault([](TlsSettings& s) { s.min_version = TlsVersion::kTls13; }).empty() ==
        (mbedtls::kNewestVersion == TlsVersion::kTls13));
}

TEST_CASE("a suite that is not sound is an error") {
  CHECK(fault([](TlsSettings& s) { s.ciphers = {"RC4"}; }).starts_with("--tls-ciphers: expected "));
}

}  // namespace sidemeter::test
