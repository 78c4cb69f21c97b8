#include "agent/tls_options.h"

#include <fstream>

#include "agent/options.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace sidemeter::test {
namespace {

const std::string kHash = "$2y$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

Parsed<Request> serve(std::vector<std::string> arguments, const Environment& environment = {}) {
  arguments.insert(arguments.begin(), "serve");
  return parse_options(arguments, environment);
}

AgentOptions read(const std::vector<std::string>& arguments, const Environment& environment = {}) {
  const auto request = serve(arguments, environment);
  INFO((request ? "" : request.error().message));
  REQUIRE(request);
  return std::get<ServeRequest>(*request).agent;
}

struct File {
  explicit File(const std::string& text) { std::ofstream(path) << text; }
  TemporaryFolder folder;
  std::string path = folder / "c.json";
};

AgentOptions from_file(const std::string& text) { return read({"--config", File(text).path}); }

std::string fault(const std::string& text) {
  const File file(text);
  const auto request = serve({"--config", file.path});
  REQUIRE_FALSE(request);
  const std::string& message = request.error().message;
  REQUIRE(message.starts_with(file.path));
  return message.substr(file.path.size());
}

}  // namespace

TEST_CASE("flags, environment and file say the same") {
  TlsSettings wanted;
  wanted.certificate_file = "s.pem";
  wanted.key_file = "s.key";
  wanted.client_auth = ClientAuth::kRequire;
  wanted.client_ca_file = "ca.pem";
  wanted.client_allowed_sans = {"a.example", "urn:b"};
  wanted.max_version = TlsVersion::kTls12;

  CHECK(read({"--tls-cert", "s.pem", "--tls-key", "s.key", "--client-auth", "require",
              "--client-ca-file", "ca.pem", "--client-allowed-san", "a.example",
              "--client-allowed-san", "urn:b", "--tls-max-version", "1.2"})
            .security.tls == wanted);
  CHECK(read({}, {{"SIDEMETER_TLS_CERT", "s.pem"},
                  {"SIDEMETER_TLS_KEY", "s.key"},
                  {"SIDEMETER_CLIENT_AUTH", "require"},
                  {"SIDEMETER_CLIENT_CA_FILE", "ca.pem"},
                  {"SIDEMETER_CLIENT_ALLOWED_SAN", "a.example,urn:b"},
                  {"SIDEMETER_TLS_MAX_VERSION", "1.2"}})
            .security.tls == wanted);
  CHECK(from_file(R"({"tls_cert": "s.pem", "tls_key": "s.key", "client_auth": "require",
                      "client_ca_file": "ca.pem", "client_allowed_san": ["a.example", "urn:b"],
                      "tls_max_version": "1.2"})")
            .security.tls == wanted);
  CHECK(from_file(R"({"tls_server_config": {
                        "cert_file": "s.pem", "key_file": "s.key",
                        "client_auth_type": "RequireAndVerifyClientCert",
                        "client_ca_file": "ca.pem", "client_allowed_sans": ["a.example", "urn:b"],
                        "max_version": "TLS12"}})")
            .security.tls == wanted);
}

TEST_CASE("the section takes suites and versions, and a flag goes before it") {
  const File file(R"({"tls_server_config": {"cert_file": "s.pem", "key_file": "s.key",
                       "min_version": "TLS12", "cipher_suites": ["TLS_AES_128_GCM_SHA256"]}})");

  const auto options = read({"--config", file.path, "--tls-cert", "other.pem"});

  CHECK(options.security.tls.certificate_file == "other.pem");
  CHECK(options.security.tls.key_file == "s.key");
  CHECK(options.security.tls.ciphers == std::vector<std::string>{"TLS_AES_128_GCM_SHA256"});
}

TEST_CASE("what the section does not know, or says twice, is an error with its line") {
  CHECK(fault("{\"tls_server_config\":\n{\"cert_fil\": \"x\"}}") ==
        ":2: unknown key \"tls_server_config.cert_fil\" (did you mean "
        "\"tls_server_config.cert_file\"?)");
  CHECK(fault("{\"tls_server_config\": \"x\"}") ==
        ":1: tls_server_config: expected an object, got a text");
  CHECK(fault("{\"tls_server_config\": {\"cert_file\": {}}}") ==
        ":1: tls_server_config.cert_file: expected a text, a number, a list of them, or true or "
        "false, got an object");
  CHECK(fault("{\"tls_cert\": \"a\",\n\"tls_server_config\": {\"cert_file\": \"b\"}}")
            .starts_with(":2: tls_server_config.cert_file: is here twice, first as "));
}

TEST_CASE("a certificate that would be taken unverified is an error") {
  CHECK(fault("{\"tls_server_config\": {\"client_auth_type\": \"RequireAnyClientCert\"}}")
            .starts_with(":1: tls_server_config.client_auth_type: RequireAnyClientCert takes a "
                         "certificate unverified"));
}

TEST_CASE("behaviour 26: a certificate without its key is an error of the options") {
  const auto request = serve({"--tls-cert", "s.pem"});

  REQUIRE_FALSE(request);
  CHECK(request.error().message ==
        "TLS needs a certificate and its key: expected --tls-cert and --tls-key, got only "
        "--tls-cert");
}

TEST_CASE("users and their hashes come from the file") {
  CHECK(from_file("{\"basic_auth_users\": {\"an\": \"" + kHash + "\", \"b.c\": \"" + kHash + "\"}}")
            .security.users == std::vector<BasicAuthUser>{{"an", kHash}, {"b.c", kHash}});
}

TEST_CASE("a password in place of a hash, and a name that cannot be said, are errors") {
  CHECK(fault("{\"basic_auth_users\":\n{\"an\": \"secret\"}}") ==
        ":2: basic_auth_users.an: expected a bcrypt hash, as htpasswd -nB writes it");
  CHECK(fault("{\"basic_auth_users\": {\"a:b\": \"" + kHash + "\"}}") ==
        ":1: basic_auth_users.a:b: expected a name without colon");
}

TEST_CASE("limits and the address of probes") {
  const auto options = read({"--tls-handshake-timeout", "2.5", "--tls-max-handshakes", "7",
                             "--health-listen", "127.0.0.1:9470"});

  CHECK(options.security.limits.handshake_deadline_ms == 2'500);
  CHECK(options.security.limits.handshakes == 7);
  CHECK(options.health_listen == std::vector<std::string>{"127.0.0.1:9470"});
}

}  // namespace sidemeter::test
