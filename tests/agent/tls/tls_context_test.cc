#include "agent/tls/tls_context.h"

#include <fstream>

#include "tests/agent/tls/conversation.h"
#include "tests/support/catch.h"

namespace sidemeter::test {
namespace {

TlsSettings mutual() {
  TlsSettings settings = server_settings();
  settings.client_auth = ClientAuth::kRequire;
  settings.client_ca_file = authority().file("ca.pem");
  return settings;
}

std::string fault(const TlsSettings& settings) {
  const auto built = TlsContext::build(settings, read_material(settings));
  return built ? "" : built.error().message;
}

std::string write(const std::string& name, const std::string& text) {
  std::ofstream(authority().file(name)) << text;
  return authority().file(name);
}

// The reference's words (Python's prometheus_client, exposition.py).
std::string server_fault(const TlsSettings& s, const std::string& cause) {
  return "Cannot load server certificate file '" + s.certificate_file +
         "' or its private key file '" + s.key_file + "': " + cause;
}

std::string client_ca_fault(const TlsSettings& s, const std::string& cause) {
  return "Cannot load CA certificate chain from file '" + s.client_ca_file +
         "' or directory None: " + cause;
}

}  // namespace

TEST_CASE("good files make a context that knows when they end") {
  const TlsSettings settings = mutual();

  const auto built = TlsContext::build(settings, read_material(settings));

  REQUIRE(built);
  const TlsExpiry& expiry = (*built)->expiry();
  const std::int64_t day = 24 * 60 * 60;
  REQUIRE(expiry.server);
  REQUIRE(expiry.client_ca);
  CHECK(*expiry.client_ca - *expiry.server > 9 * day);  // made with 30 and 20 days
  CHECK(*expiry.client_ca - *expiry.server < 11 * day);
  CHECK_FALSE(expiry.crl);
  CHECK((*built)->subject() == "CN=server");
}

TEST_CASE("behaviour 28: a certificate or key that cannot be used is named with its cause") {
  TlsSettings s = server_settings();
  SECTION("missing") {
    s.certificate_file = authority().file("absent.pem");
    CHECK(fault(s) == server_fault(s, s.certificate_file + ": No such file or directory"));
  }
  SECTION("empty") {
    s.key_file = write("empty.key", "");
    CHECK(fault(s) == server_fault(s, s.key_file + ": the file is empty"));
  }
  SECTION("no certificate") {
    s.certificate_file = write("garbage.pem", "garbage");
    CHECK(fault(s).starts_with(server_fault(s, s.certificate_file + ": no certificate: ")));
  }
  SECTION("no key") {
    s.key_file = write("garbage.key", "garbage");
    CHECK(fault(s).starts_with(server_fault(s, s.key_file + ": no private key: ")));
  }
  SECTION("a key of another") {
    s.key_file = authority().file("client.key");
    CHECK(fault(s) == server_fault(s, s.key_file + ": the key does not match the certificate"));
  }
  SECTION("one broken certificate in a chain") {
    std::ifstream good(s.certificate_file);
    const std::string text((std::istreambuf_iterator<char>(good)), {});
    s.certificate_file =
        write("chain.pem", text + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    CHECK(fault(s) ==
          server_fault(s, s.certificate_file + ": 1 of its certificates cannot be read"));
  }
}

TEST_CASE("behaviour 28: authorities that cannot be used are named with their cause") {
  TlsSettings s = mutual();
  SECTION("missing") {
    s.client_ca_file = authority().file("absent.pem");
    CHECK(fault(s) == client_ca_fault(s, s.client_ca_file + ": No such file or directory"));
  }
  SECTION("empty") {
    s.client_ca_file = write("empty.pem", "\n");
    CHECK(fault(s) == client_ca_fault(s, s.client_ca_file + ": the file is empty"));
  }
  SECTION("an empty folder") {
    TemporaryFolder folder;
    s.client_ca_file.clear();
    s.client_ca_path = folder.path();
    CHECK(fault(s) == "Cannot load CA certificate chain from file None or directory '" +
                          folder.path() + "': no certificate was found");
  }
}

TEST_CASE("a CRL that is none is named with its cause") {
  TlsSettings s = mutual();
  s.client_crl_file = write("garbage.crl", "garbage");

  CHECK(fault(s).starts_with("Cannot load certificate revocation list file '" + s.client_crl_file +
                             "': " + s.client_crl_file + ": no CRL: "));
}

TEST_CASE("an encrypted key is opened by its password's first line") {
  run("openssl pkey -traditional -aes-256-cbc -passout pass:secret -in " +
      authority().file("server.key") + " -out " + authority().file("locked.key"));
  TlsSettings s = server_settings();
  s.key_file = authority().file("locked.key");
  CHECK(fault(s).starts_with(server_fault(s, s.key_file + ": no private key: ")));

  s.key_password_file = write("password", "secret\nnot this\n");
  CHECK(fault(s).empty());

  write("password", "wrong\n");
  CHECK(fault(s).starts_with(server_fault(s, s.key_file + ": no private key: ")));
}

TEST_CASE("the system's store can be asked for, by naming none") {
  TlsSettings s = mutual();
  s.client_ca_file.clear();
  REQUIRE(s.uses_system_store());
  const std::string words = fault(s);

  if (std::ifstream(kSystemStore)) {
    CHECK(words.empty());
  } else {
    CHECK(words.starts_with("Cannot load default CA certificate chain: "));
  }
}

}  // namespace sidemeter::test
