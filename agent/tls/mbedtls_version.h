// What differs between mbedTLS 2.28 (Debian 12: up to TLS 1.2) and 3.6 (Debian 13: up to
// TLS 1.3). Everything else in this room is one text for both.
#pragma once

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include <string>

#include "agent/tls/tls_settings.h"

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

namespace sidemeter::mbedtls {

#if MBEDTLS_VERSION_NUMBER >= 0x03000000

inline constexpr TlsVersion kNewestVersion = TlsVersion::kTls13;

// TLS 1.3 takes its cryptography from PSA. Calling again is free.
inline bool start() { return psa_crypto_init() == PSA_SUCCESS; }

inline int parse_key(mbedtls_pk_context& key, const std::string& pem, const std::string& password,
                     mbedtls_ctr_drbg_context& random) {
  return mbedtls_pk_parse_key(&key, reinterpret_cast<const unsigned char*>(pem.c_str()),
                              pem.size() + 1,
                              reinterpret_cast<const unsigned char*>(password.data()),
                              password.size(), mbedtls_ctr_drbg_random, &random);
}

inline int check_pair(const mbedtls_pk_context& certified, const mbedtls_pk_context& key,
                      mbedtls_ctr_drbg_context& random) {
  return mbedtls_pk_check_pair(&certified, &key, mbedtls_ctr_drbg_random, &random);
}

inline void set_versions(mbedtls_ssl_config& config, TlsVersion least, TlsVersion most) {
  const auto number = [](TlsVersion version) {
    return version == TlsVersion::kTls13 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2;
  };
  mbedtls_ssl_conf_min_tls_version(&config, number(least));
  mbedtls_ssl_conf_max_tls_version(&config, number(most));
}

// P-256 first: in mbedTLS it is the fastest of the three.
inline void set_strong_algorithms(mbedtls_ssl_config& config) {
  static constexpr std::uint16_t kGroups[] = {
      MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
      MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
  static constexpr std::uint16_t kSignatures[] = {MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
                                                  MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
                                                  MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
                                                  MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
                                                  MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,
                                                  MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
                                                  MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
                                                  MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
                                                  MBEDTLS_TLS1_3_SIG_NONE};
  mbedtls_ssl_conf_groups(&config, kGroups);
  mbedtls_ssl_conf_sig_algs(&config, kSignatures);
  mbedtls_ssl_conf_tls13_key_exchange_modes(&config,
                                            MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
  mbedtls_ssl_conf_new_session_tickets(&config, 0);
}

inline bool means_nothing_in_common(int error) {
  return error == MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE ||
         error == MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION;
}

#else

inline constexpr TlsVersion kNewestVersion = TlsVersion::kTls12;

inline bool start() { return true; }

inline int parse_key(mbedtls_pk_context& key, const std::string& pem, const std::string& password,
                     mbedtls_ctr_drbg_context&) {
  return mbedtls_pk_parse_key(
      &key, reinterpret_cast<const unsigned char*>(pem.c_str()), pem.size() + 1,
      reinterpret_cast<const unsigned char*>(password.data()), password.size());
}

inline int check_pair(const mbedtls_pk_context& certified, const mbedtls_pk_context& key,
                      mbedtls_ctr_drbg_context&) {
  return mbedtls_pk_check_pair(&certified, &key);
}

inline void set_versions(mbedtls_ssl_config& config, TlsVersion, TlsVersion) {
  mbedtls_ssl_conf_min_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_max_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
}

inline void set_strong_algorithms(mbedtls_ssl_config& config) {
  static constexpr mbedtls_ecp_group_id kCurves[] = {MBEDTLS_ECP_DP_SECP256R1,
                                                     MBEDTLS_ECP_DP_CURVE25519,
                                                     MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE};
  static constexpr int kHashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512,
                                    MBEDTLS_MD_NONE};
  mbedtls_ssl_conf_curves(&config, kCurves);
  mbedtls_ssl_conf_sig_hashes(&config, kHashes);
}

inline bool means_nothing_in_common(int error) {
  return error == MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN ||
         error == MBEDTLS_ERR_SSL_NO_USABLE_CIPHERSUITE ||
         error == MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION;
}

#endif

}  // namespace sidemeter::mbedtls
