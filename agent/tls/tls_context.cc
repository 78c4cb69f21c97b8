#include "agent/tls/tls_context.h"

#include <mbedtls/error.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

#include "agent/tls/cipher_suites.h"
#include "agent/tls/mbedtls_version.h"
#include "agent/tls/san.h"

namespace sidemeter {
namespace {

// SHA-2, RSA from 2048 bits, P-256 and P-384.
constexpr mbedtls_x509_crt_profile kProfile = {
    MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) | MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) |
        MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
    0xFFFFFFF,  // every kind of key: its size or curve decides
    MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP256R1) | MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP384R1),
    2048,
};

std::string words_of(int error) {
  std::array<char, 256> text{};
  mbedtls_strerror(error, text.data(), text.size());
  return text.data();
}

std::int64_t seconds_since_epoch(const mbedtls_x509_time& time) {
  std::tm parts{};
  parts.tm_year = time.year - 1900;
  parts.tm_mon = time.mon - 1;
  parts.tm_mday = time.day;
  parts.tm_hour = time.hour;
  parts.tm_min = time.min;
  parts.tm_sec = time.sec;
  return ::timegm(&parts);
}

void take_earlier(std::optional<std::int64_t>& least, const mbedtls_x509_time& time) {
  const std::int64_t seconds = seconds_since_epoch(time);
  least = least ? std::min(*least, seconds) : seconds;
}

std::optional<std::int64_t> first_end(const mbedtls_x509_crt& chain) {
  std::optional<std::int64_t> end;
  for (const auto* one = &chain; one != nullptr; one = one->next) take_earlier(end, one->valid_to);
  return end;
}

// Python's repr(), which the reference uses: 'ca.pem', or None.
std::string quoted(const std::string& path) { return path.empty() ? "None" : "'" + path + "'"; }

TlsError server_error(const TlsSettings& s, const std::string& cause) {
  return {"Cannot load server certificate file " + quoted(s.certificate_file) +
          " or its private key file " + quoted(s.key_file) + ": " + cause};
}

TlsError client_ca_error(const TlsSettings& s, const std::string& cause) {
  if (s.uses_system_store()) return {"Cannot load default CA certificate chain: " + cause};
  return {"Cannot load CA certificate chain from file " + quoted(s.client_ca_file) +
          " or directory " + quoted(s.client_ca_path) + ": " + cause};
}

TlsError crl_error(const TlsSettings& s, const std::string& cause) {
  return {"Cannot load certificate revocation list file " + quoted(s.client_crl_file) + ": " +
          cause};
}

// PEM, with the NUL that mbedTLS wants to see counted. Above 0 the answer is how many
// certificates could not be read: one is too many.
std::string parse_certificates(mbedtls_x509_crt& chain, const TlsFile& file) {
  if (!file.cause.empty()) return file.path + ": " + file.cause;
  const int result = mbedtls_x509_crt_parse(
      &chain, reinterpret_cast<const unsigned char*>(file.text.c_str()), file.text.size() + 1);
  if (result == 0) return "";
  if (result > 0) {
    return file.path + ": " + std::to_string(result) + " of its certificates cannot be read";
  }
  return file.path + ": no certificate: " + words_of(result);
}

std::vector<San> parse_sans(const std::vector<std::string>& texts) {
  std::vector<San> names;
  for (const std::string& text : texts) {
    if (auto name = parse_san(text)) names.push_back(*std::move(name));
  }
  return names;
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find_first_of("\r\n")));
}

}  // namespace

struct TlsContext::Parts {
  Parts() {
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_x509_crt_init(&certificate);
    mbedtls_pk_init(&key);
    mbedtls_x509_crt_init(&client_cas);
    mbedtls_x509_crl_init(&client_crl);
    mbedtls_ssl_config_init(&config);
  }
  ~Parts() {
    mbedtls_ssl_config_free(&config);
    mbedtls_x509_crl_free(&client_crl);
    mbedtls_x509_crt_free(&client_cas);
    mbedtls_pk_free(&key);
    mbedtls_x509_crt_free(&certificate);
    mbedtls_ctr_drbg_free(&random);
    mbedtls_entropy_free(&entropy);
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  std::string load_server(const TlsMaterial& material);
  std::string load_client_cas(const TlsMaterial& material);
  std::string load_crl(const TlsFile& file);
  int configure(const TlsSettings& settings);
  static int judge(void* parts, mbedtls_x509_crt* certificate, int depth,
                   std::uint32_t* flags) noexcept;

  mbedtls_entropy_context entropy;
  mbedtls_ctr_drbg_context random;
  mbedtls_x509_crt certificate;
  mbedtls_pk_context key;
  mbedtls_x509_crt client_cas;
  mbedtls_x509_crl client_crl;
  mbedtls_ssl_config config;
  std::vector<int> suites;  // ends in 0
  std::vector<San> allowed_sans;
};

std::string TlsContext::Parts::load_server(const TlsMaterial& material) {
  if (auto cause = parse_certificates(certificate, material.certificate); !cause.empty()) {
    return cause;
  }
  if (!material.key.cause.empty()) return material.key.path + ": " + material.key.cause;
  std::string password;
  if (material.key_password) {
    const TlsFile& file = *material.key_password;
    if (!file.cause.empty()) return file.path + ": " + file.cause;
    password = first_line(file.text);
  }
  const int parsed = mbedtls::parse_key(key, material.key.text, password, random);
  if (parsed != 0) return material.key.path + ": no private key: " + words_of(parsed);
  if (mbedtls::check_pair(certificate.pk, key, random) != 0) {
    return material.key.path + ": the key does not match the certificate";
  }
  return "";
}

std::string TlsContext::Parts::load_client_cas(const TlsMaterial& material) {
  if (!material.client_cas_cause.empty()) return material.client_cas_cause;
  for (const TlsFile& file : material.client_cas) {
    if (auto cause = parse_certificates(client_cas, file); !cause.empty()) return cause;
  }
  return client_cas.version == 0 ? "no certificate was found" : "";
}

std::string TlsContext::Parts::load_crl(const TlsFile& file) {
  if (!file.cause.empty()) return file.path + ": " + file.cause;
  const int result = mbedtls_x509_crl_parse(
      &client_crl, reinterpret_cast<const unsigned char*>(file.text.c_str()), file.text.size() + 1);
  return result == 0 ? "" : file.path + ": no CRL: " + words_of(result);
}

int TlsContext::Parts::configure(const TlsSettings& settings) {
  const int error = mbedtls_ssl_config_defaults(
      &config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
  if (error != 0) return error;
  mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
  mbedtls::set_versions(config, settings.min_version,
                        std::min(settings.max_version, mbedtls::kNewestVersion));
  mbedtls::set_strong_algorithms(config);
  mbedtls_ssl_conf_ciphersuites(&config, suites.data());
  mbedtls_ssl_conf_renegotiation(&config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
  mbedtls_ssl_conf_cert_profile(&config, &kProfile);
  if (settings.client_auth == ClientAuth::kNone) {
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
  } else {
    mbedtls_ssl_conf_authmode(&config, settings.client_auth == ClientAuth::kRequire
                                           ? MBEDTLS_SSL_VERIFY_REQUIRED
                                           : MBEDTLS_SSL_VERIFY_OPTIONAL);
    mbedtls_ssl_conf_ca_chain(&config, &client_cas, &client_crl);
    mbedtls_ssl_conf_verify(&config, judge, this);
  }
  // A hundred names of public authorities tell a client nothing.
  if (settings.uses_system_store()) {
    mbedtls_ssl_conf_cert_req_ca_list(&config, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
  }
  return mbedtls_ssl_conf_own_cert(&config, &certificate, &key);
}

// Asked by mbedTLS of each certificate of a chain; depth 0 is the client's own.
int TlsContext::Parts::judge(void* parts, mbedtls_x509_crt* certificate, int depth,
                             std::uint32_t* flags) noexcept {
  const auto& allowed = static_cast<const Parts*>(parts)->allowed_sans;
  if (depth != 0 || allowed.empty()) return 0;
  const auto& extensions = certificate->v3_ext;
  const auto names = read_sans({reinterpret_cast<const char*>(extensions.p), extensions.len});
  const bool found = names && std::any_of(names->begin(), names->end(), [&](const San& name) {
                       return is_allowed(name, allowed);
                     });
  if (!found) *flags |= MBEDTLS_X509_BADCERT_OTHER;
  return 0;
}

TlsContext::TlsContext() : parts_(std::make_unique<Parts>()) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<const TlsContext>, TlsError> TlsContext::build(const TlsSettings& settings,
                                                                      const TlsMaterial& material) {
  std::shared_ptr<TlsContext> context(new TlsContext);
  Parts& parts = *context->parts_;
  if (!mbedtls::start()) return TlsError{"mbedTLS cannot start its cryptography"};
  if (const int error =
          mbedtls_ctr_drbg_seed(&parts.random, mbedtls_entropy_func, &parts.entropy, nullptr, 0)) {
    return TlsError{"mbedTLS finds no randomness: " + words_of(error)};
  }
  if (const auto cause = parts.load_server(material); !cause.empty()) {
    return server_error(settings, cause);
  }
  context->expiry_.server = first_end(parts.certificate);
  if (settings.client_auth != ClientAuth::kNone) {
    if (const auto cause = parts.load_client_cas(material); !cause.empty()) {
      return client_ca_error(settings, cause);
    }
    context->expiry_.client_ca = first_end(parts.client_cas);
  }
  if (material.client_crl) {
    if (const auto cause = parts.load_crl(*material.client_crl); !cause.empty()) {
      return crl_error(settings, cause);
    }
    for (const auto* one = &parts.client_crl; one != nullptr; one = one->next) {
      take_earlier(context->expiry_.crl, one->next_update);
    }
  }
  const auto most = std::min(settings.max_version, mbedtls::kNewestVersion);
  auto suites = choose_suites(settings.ciphers, most);
  if (!suites) return suites.error();
  parts.suites = *std::move(suites);
  parts.suites.push_back(0);
  parts.allowed_sans = parse_sans(settings.client_allowed_sans);
  if (const int error = parts.configure(settings)) {
    return server_error(settings, words_of(error));
  }
  return std::shared_ptr<const TlsContext>(std::move(context));
}

std::string TlsContext::subject() const {
  std::array<char, 256> text{};
  const int length = mbedtls_x509_dn_gets(text.data(), text.size(), &parts_->certificate.subject);
  return length < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(length));
}

const mbedtls_ssl_config& TlsContext::config() const { return parts_->config; }

}  // namespace sidemeter
