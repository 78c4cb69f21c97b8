#include "agent/tls/cipher_suites.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace sidemeter {
namespace {

struct Suite {
  std::string_view name;
  int number;  // IANA, "TLS Cipher Suites"
  TlsVersion version;
};

constexpr std::array kSuites = {
    Suite{"TLS_AES_128_GCM_SHA256", 0x1301, TlsVersion::kTls13},
    Suite{"TLS_AES_256_GCM_SHA384", 0x1302, TlsVersion::kTls13},
    Suite{"TLS_CHACHA20_POLY1305_SHA256", 0x1303, TlsVersion::kTls13},
    Suite{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xC02B, TlsVersion::kTls12},
    Suite{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xC02F, TlsVersion::kTls12},
    Suite{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xC02C, TlsVersion::kTls12},
    Suite{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xC030, TlsVersion::kTls12},
    Suite{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0xCCA9, TlsVersion::kTls12},
    Suite{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0xCCA8, TlsVersion::kTls12},
};

TlsError unknown(const std::string& name) {
  std::string words = "expected cipher suites of";
  for (const Suite& suite : kSuites) words.append(" ").append(suite.name);
  return {words + ", got \"" + name + "\""};
}

}  // namespace

Result<std::vector<int>, TlsError> choose_suites(const std::vector<std::string>& names) {
  std::vector<int> numbers;
  std::vector<TlsVersion> named;
  for (const std::string& name : names) {
    const auto is_named = [&name](const Suite& suite) { return suite.name == name; };
    const auto suite = std::find_if(kSuites.begin(), kSuites.end(), is_named);
    if (suite == kSuites.end()) return unknown(name);
    numbers.push_back(suite->number);
    named.push_back(suite->version);
  }
  for (const Suite& suite : kSuites) {
    if (std::find(named.begin(), named.end(), suite.version) == named.end()) {
      numbers.push_back(suite.number);
    }
  }
  return numbers;
}

}  // namespace sidemeter
