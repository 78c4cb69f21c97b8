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

std::vector<std::string> split(const std::vector<std::string>& lists) {
  std::vector<std::string> names;
  for (std::string_view list : lists) {
    for (std::size_t comma; (comma = list.find(',')) != std::string_view::npos;) {
      names.emplace_back(list.substr(0, comma));
      list.remove_prefix(comma + 1);
    }
    names.emplace_back(list);
  }
  return names;
}

}  // namespace

Result<std::vector<int>, TlsError> choose_suites(const std::vector<std::string>& names,
                                                 TlsVersion most) {
  std::vector<int> numbers;
  std::vector<TlsVersion> named;
  for (const std::string& name : split(names)) {
    const auto is_named = [&name](const Suite& suite) { return suite.name == name; };
    const auto suite = std::find_if(kSuites.begin(), kSuites.end(), is_named);
    if (suite == kSuites.end()) return unknown(name);
    named.push_back(suite->version);
    if (suite->version <= most) numbers.push_back(suite->number);
  }
  for (const Suite& suite : kSuites) {
    const bool is_named = std::find(named.begin(), named.end(), suite.version) != named.end();
    if (!is_named && suite.version <= most) numbers.push_back(suite.number);
  }
  return numbers;
}

}  // namespace sidemeter
