#include "agent/tls/refusal.h"

#include <mbedtls/x509.h>

#include "agent/tls/mbedtls_version.h"
#include "tests/support/catch.h"

namespace sidemeter::test {

TEST_CASE("each fault of a certificate has its word") {
  CHECK(refusal_of_flags(MBEDTLS_X509_BADCERT_EXPIRED) == Refusal::kExpired);
  CHECK(refusal_of_flags(MBEDTLS_X509_BADCERT_FUTURE) == Refusal::kNotYetValid);
  CHECK(refusal_of_flags(MBEDTLS_X509_BADCERT_REVOKED) == Refusal::kRevoked);
  CHECK(refusal_of_flags(MBEDTLS_X509_BADCERT_BAD_KEY) == Refusal::kWeakKey);
  CHECK(refusal_of_flags(MBEDTLS_X509_BADCERT_BAD_MD) == Refusal::kWeakSignature);
  CHECK(refusal_of_flags(MBEDTLS_X509_BADCERT_EXT_KEY_USAGE) == Refusal::kBadUsage);
  CHECK(refusal_of_flags(MBEDTLS_X509_BADCRL_EXPIRED) == Refusal::kBadCrl);
  CHECK(refusal_of_flags(MBEDTLS_X509_BADCERT_OTHER) == Refusal::kNameNotAllowed);
}

TEST_CASE("of a certificate that nobody vouches for nothing else is said") {
  CHECK(refusal_of_flags(MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCERT_EXPIRED |
                         MBEDTLS_X509_BADCERT_OTHER) == Refusal::kUnknownCa);
}

TEST_CASE("a handshake that ended for another cause has its word too") {
  CHECK(refusal_of_error(MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE) == Refusal::kNoCertificate);
  CHECK(refusal_of_error(MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) == Refusal::kClientAlert);
  CHECK(refusal_of_error(MBEDTLS_ERR_SSL_INVALID_RECORD) == Refusal::kOther);
}

}  // namespace sidemeter::test
