#include "agent/tls/refusal.h"

#include "agent/tls/mbedtls_version.h"

namespace sidemeter {

Refusal refusal_of_flags(std::uint32_t verify_flags) {
  struct Meaning {
    std::uint32_t flags;
    Refusal refusal;
  };
  static constexpr Meaning kMeanings[] = {
      {MBEDTLS_X509_BADCERT_NOT_TRUSTED, Refusal::kUnknownCa},
      {MBEDTLS_X509_BADCERT_MISSING, Refusal::kNoCertificate},
      {MBEDTLS_X509_BADCERT_REVOKED, Refusal::kRevoked},
      {MBEDTLS_X509_BADCERT_EXPIRED, Refusal::kExpired},
      {MBEDTLS_X509_BADCERT_FUTURE, Refusal::kNotYetValid},
      {MBEDTLS_X509_BADCERT_BAD_KEY | MBEDTLS_X509_BADCERT_BAD_PK, Refusal::kWeakKey},
      {MBEDTLS_X509_BADCERT_BAD_MD, Refusal::kWeakSignature},
      {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
           MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
       Refusal::kBadUsage},
      {MBEDTLS_X509_BADCRL_NOT_TRUSTED | MBEDTLS_X509_BADCRL_EXPIRED | MBEDTLS_X509_BADCRL_FUTURE |
           MBEDTLS_X509_BADCRL_BAD_MD | MBEDTLS_X509_BADCRL_BAD_PK | MBEDTLS_X509_BADCRL_BAD_KEY,
       Refusal::kBadCrl},
      {MBEDTLS_X509_BADCERT_OTHER, Refusal::kNameNotAllowed},
  };
  for (const Meaning& meaning : kMeanings) {
    if ((verify_flags & meaning.flags) != 0) return meaning.refusal;
  }
  return Refusal::kOther;
}

Refusal refusal_of_error(int error) {
  if (mbedtls::means_nothing_in_common(error)) return Refusal::kNothingInCommon;
  if (error == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE) return Refusal::kNoCertificate;
  if (error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) return Refusal::kClientAlert;
  if (error == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) return Refusal::kClientLeft;
  return Refusal::kOther;
}

}  // namespace sidemeter
