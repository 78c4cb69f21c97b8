#include "agent/tls_options.h"

#include <utility>

#include "agent/bcrypt.h"

namespace sidemeter {
namespace {

using Kind = Option::Kind;

constexpr std::uint64_t kDayMs = 24ULL * 60 * 60 * 1000;

Parsed<std::string> parse_path(const std::string& text) {
  if (!text.empty() && text.find('\0') == std::string::npos) return text;
  return wanted("a path", text);
}

Parsed<std::string> parse_text(const std::string& text) { return text; }

// In the words of the flag, and in those of Prometheus's exporters. Two of theirs take any
// certificate for good: who writes one of them does not mean that.
Parsed<ClientAuth> parse_client_auth(const std::string& text) {
  if (text == "none" || text == "NoClientCert") return ClientAuth::kNone;
  if (text == "request" || text == "VerifyClientCertIfGiven") return ClientAuth::kRequest;
  if (text == "require" || text == "RequireAndVerifyClientCert") return ClientAuth::kRequire;
  if (text == "RequestClientCert" || text == "RequireAnyClientCert") {
    return OptionsError{text +
                        " takes a certificate unverified: expected NoClientCert, "
                        "VerifyClientCertIfGiven or RequireAndVerifyClientCert"};
  }
  return wanted("none|request|require", text);
}

Parsed<TlsVersion> parse_version(const std::string& text) {
  if (text == "1.2" || text == "TLS12") return TlsVersion::kTls12;
  if (text == "1.3" || text == "TLS13") return TlsVersion::kTls13;
  return wanted("1.2 or 1.3", text);
}

Parsed<std::string> parse_listen(const std::string& text) {
  if (is_listen_address(text)) return text;
  return wanted("an IP address with a port, as 127.0.0.1:9470 or [::1]:9470", text);
}

// The option defined last has this key in the section too.
void spell_as(Table& table, std::string_view key) {
  table.last().section_key = std::string(kTlsSection).append(".").append(key);
}

void add_server_options(Table& table, TlsSettings& tls) {
  table.one("tls-cert", Kind::kText, "FILE", "HTTPS: the server's certificate, its chain after it",
            tls.certificate_file, parse_path);
  spell_as(table, "cert_file");
  table.one("tls-key", Kind::kText, "FILE", "Its private key", tls.key_file, parse_path);
  spell_as(table, "key_file");
  table.one("tls-key-password-file", Kind::kText, "FILE", "Whose first line opens the key",
            tls.key_password_file, parse_path);
  table.one("tls-min-version", Kind::kText, "1.2|1.3", "The least version (1.2)", tls.min_version,
            parse_version);
  spell_as(table, "min_version");
  table.one("tls-max-version", Kind::kText, "1.2|1.3", "The most (what mbedTLS has)",
            tls.max_version, parse_version);
  spell_as(table, "max_version");
  table.list("tls-ciphers", "SUITE", "Cipher suites by IANA's names; repeatable (all sound ones)",
             tls.ciphers, parse_text);
  spell_as(table, "cipher_suites");
}

void add_client_options(Table& table, TlsSettings& tls) {
  table.one("client-auth", Kind::kText, "none|request|require",
            "Whether scrapers need a certificate (none)", tls.client_auth, parse_client_auth);
  spell_as(table, "client_auth_type");
  table.one("client-ca-file", Kind::kText, "FILE", "Who vouches for them: a bundle",
            tls.client_ca_file, parse_path);
  spell_as(table, "client_ca_file");
  table.one("client-ca-path", Kind::kText, "FOLDER", "The same: a folder of certificates",
            tls.client_ca_path, parse_path);
  table.one("client-crl-file", Kind::kText, "FILE", "Whom they no longer vouch for",
            tls.client_crl_file, parse_path);
  table.list("client-allowed-san", "NAME",
             "A name that a scraper's certificate must hold; repeatable (any)",
             tls.client_allowed_sans, parse_text);
  spell_as(table, "client_allowed_sans");
}

}  // namespace

void add_tls_options(Table& table, AgentOptions& options) {
  add_server_options(table, options.security.tls);
  add_client_options(table, options.security.tls);
  TlsLimits& limits = options.security.limits;
  table.seconds("tls-handshake-timeout", limits.handshake_deadline_ms, {10, kDayMs},
                "A handshake, from the accept on");
  table.count("tls-max-handshakes", limits.handshakes, {1, 65'536},
              "Handshakes under way; past it the oldest is cut");
  table.list("health-listen", "ADDR:PORT",
             "Where /-/healthy and /-/ready are answered, without TLS; repeatable (nowhere)",
             options.health_listen, parse_listen);
}

Parsed<std::vector<BasicAuthUser>> read_users(const std::vector<ConfigEntry>& entries,
                                              const std::string& file_name) {
  std::vector<BasicAuthUser> users;
  const std::string prefix = std::string(kUsersSection) + ".";
  for (const ConfigEntry& entry : entries) {
    if (!entry.key.starts_with(prefix)) continue;
    const std::string place =
        file_name + ":" + std::to_string(entry.line) + ": " + entry.key + ": ";
    const std::string name = entry.key.substr(prefix.size());
    // RFC 7617, 2: it could not be said in a request.
    if (name.empty() || name.find(':') != std::string::npos) {
      return OptionsError{place + "expected a name without colon"};
    }
    if (entry.kind != ConfigEntry::Kind::kText || !is_bcrypt_hash(entry.values.back())) {
      return OptionsError{place + "expected a bcrypt hash, as htpasswd -nB writes it"};
    }
    users.push_back({name, entry.values.back()});
  }
  return users;
}

}  // namespace sidemeter
