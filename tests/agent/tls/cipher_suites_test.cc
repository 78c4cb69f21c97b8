#include "agent/tls/cipher_suites.h"

#include <algorithm>

#include "tests/support/catch.h"

namespace sidemeter::test {
namespace {

bool holds(const std::vector<int>& suites, int number) {
  return std::find(suites.begin(), suites.end(), number) != suites.end();
}

}  // namespace

TEST_CASE("without names all are taken, TLS 1.3's among them") {
  const auto suites = choose_suites({}, TlsVersion::kTls13);

  REQUIRE(suites);
  CHECK(suites->size() == 9);
  CHECK(holds(*suites, 0x1301));
  CHECK(holds(*suites, 0xC02B));
}

TEST_CASE("a list for one version leaves the other's alone") {
  const auto suites = choose_suites({"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}, TlsVersion::kTls13);

  REQUIRE(suites);
  CHECK(*suites == std::vector<int>{0xC030, 0x1301, 0x1302, 0x1303});
}

TEST_CASE(
    "several names may stand in one text, and of versions that are not offered none is taken") {
  const auto suites = choose_suites({"TLS_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                                     "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
                                    TlsVersion::kTls12);

  REQUIRE(suites);
  CHECK(*suites == std::vector<int>{0xC030, 0xC02B});
}

TEST_CASE("a suite without an ephemeral key or authenticated encryption is none") {
  for (const std::string name :
       {"TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "AES128"}) {
    const auto suites = choose_suites({name}, TlsVersion::kTls13);
    REQUIRE_FALSE(suites);
    CHECK(suites.error().message.starts_with("expected cipher suites of TLS_AES_128_GCM_SHA256 "));
    CHECK(suites.error().message.ends_with(", got \"" + name + "\""));
  }
}

}  // namespace sidemeter::test
