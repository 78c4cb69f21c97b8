// What an mbedTLS client is configured with: whom it trusts, what it presents, what it speaks.
#pragma once

#include <string>

#include "agent/tls/mbedtls_version.h"
#include "agent/tls/tls_material.h"
#include "tests/support/catch.h"

namespace sidemeter::test {

struct ClientFiles {
  std::string authority;  // whom it trusts
  std::string certificate;
  std::string key;
};

class ClientConfig {
 public:
  ClientConfig(const ClientFiles& files, TlsVersion least, TlsVersion most) {
    mbedtls::start();
    mbedtls_entropy_init(&entropy_);
    mbedtls_ctr_drbg_init(&random_);
    mbedtls_x509_crt_init(&authority_);
    mbedtls_x509_crt_init(&certificate_);
    mbedtls_pk_init(&key_);
    mbedtls_ssl_config_init(&config_);
    REQUIRE(mbedtls_ctr_drbg_seed(&random_, mbedtls_entropy_func, &entropy_, nullptr, 0) == 0);
    REQUIRE(mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_CLIENT,
                                        MBEDTLS_SSL_TRANSPORT_STREAM,
                                        MBEDTLS_SSL_PRESET_DEFAULT) == 0);
    mbedtls_ssl_conf_rng(&config_, mbedtls_ctr_drbg_random, &random_);
    mbedtls::set_versions(config_, least, most);
    REQUIRE(mbedtls_x509_crt_parse_file(&authority_, files.authority.c_str()) == 0);
    mbedtls_ssl_conf_ca_chain(&config_, &authority_, nullptr);
    if (!files.certificate.empty()) load_own(files);
  }

  ~ClientConfig() {
    mbedtls_ssl_config_free(&config_);
    mbedtls_pk_free(&key_);
    mbedtls_x509_crt_free(&certificate_);
    mbedtls_x509_crt_free(&authority_);
    mbedtls_ctr_drbg_free(&random_);
    mbedtls_entropy_free(&entropy_);
  }
  ClientConfig(const ClientConfig&) = delete;
  ClientConfig& operator=(const ClientConfig&) = delete;

  const mbedtls_ssl_config& get() const { return config_; }

 private:
  void load_own(const ClientFiles& files) {
    REQUIRE(mbedtls_x509_crt_parse_file(&certificate_, files.certificate.c_str()) == 0);
    TlsSettings settings;
    settings.certificate_file = files.certificate;
    settings.key_file = files.key;
    REQUIRE(mbedtls::parse_key(key_, read_material(settings).key.text, "", random_) == 0);
    REQUIRE(mbedtls_ssl_conf_own_cert(&config_, &certificate_, &key_) == 0);
  }

  mbedtls_entropy_context entropy_;
  mbedtls_ctr_drbg_context random_;
  mbedtls_x509_crt authority_;
  mbedtls_x509_crt certificate_;
  mbedtls_pk_context key_;
  mbedtls_ssl_config config_;
};

}  // namespace sidemeter::test
