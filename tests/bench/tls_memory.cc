// What mbedTLS alone costs a server: the CPU of one full handshake with a client certificate, and
// of sealing so many bytes, between two contexts in memory. No socket, and nothing of ours but the
// configuration that the agent has. Prints microseconds of CPU of the server's side.
//
//   tls_memory FOLDER handshake COUNT         FOLDER as deploy/certificates/make leaves it
//   tls_memory FOLDER seal BYTES
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>

#include "agent/tls/mbedtls_version.h"
#include "agent/tls/tls_context.h"

namespace {

using namespace sidemeter;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "tls_memory: %s\n", what);
  std::exit(1);
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

struct End {
  explicit End(const mbedtls_ssl_config& config) {
    mbedtls_ssl_init(&ssl);
    if (mbedtls_ssl_setup(&ssl, &config) != 0) fail("no context");
    mbedtls_ssl_set_bio(&ssl, this, send, receive, nullptr);
  }
  ~End() { mbedtls_ssl_free(&ssl); }

  static int send(void* end, const unsigned char* bytes, std::size_t length) {
    static_cast<End*>(end)->out.append(reinterpret_cast<const char*>(bytes), length);
    return static_cast<int>(length);
  }
  static int receive(void* end, unsigned char* bytes, std::size_t length) {
    std::string& in = static_cast<End*>(end)->in;
    if (in.empty()) return MBEDTLS_ERR_SSL_WANT_READ;
    const std::size_t taken = std::min(length, in.size());
    std::memcpy(bytes, in.data(), taken);
    in.erase(0, taken);
    return static_cast<int>(taken);
  }

  mbedtls_ssl_context ssl;
  std::string in, out;
};

struct Client {
  explicit Client(const std::string& folder) {
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_x509_crt_init(&authority);
    mbedtls_x509_crt_init(&certificate);
    mbedtls_pk_init(&key);
    mbedtls_ssl_config_init(&config);
    mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, nullptr, 0);
    mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
    mbedtls::set_versions(config, TlsVersion::kTls12, TlsVersion::kTls12);
    TlsSettings files;
    files.certificate_file = folder + "/client.pem";
    files.key_file = folder + "/client.key";
    const auto key_text = read_material(files).key.text;
    if (mbedtls_x509_crt_parse_file(&authority, (folder + "/ca.pem").c_str()) != 0 ||
        mbedtls_x509_crt_parse_file(&certificate, files.certificate_file.c_str()) != 0 ||
        mbedtls::parse_key(key, key_text, "", random) != 0) {
      fail("no certificates");
    }
    mbedtls_ssl_conf_ca_chain(&config, &authority, nullptr);
    mbedtls_ssl_conf_own_cert(&config, &certificate, &key);
  }

  mbedtls_entropy_context entropy;
  mbedtls_ctr_drbg_context random;
  mbedtls_x509_crt authority, certificate;
  mbedtls_pk_context key;
  mbedtls_ssl_config config;
};

// The CPU that the server's side took.
double shake_hands(End& server, End& client) {
  double seconds = 0;
  for (;;) {
    const int asked = mbedtls_ssl_handshake(&client.ssl);
    server.in += std::exchange(client.out, {});
    const double before = cpu_seconds();
    const int answered = mbedtls_ssl_handshake(&server.ssl);
    seconds += cpu_seconds() - before;
    client.in += std::exchange(server.out, {});
    if (asked == 0 && answered == 0) return seconds;
    for (const int result : {asked, answered}) {
      if (result != 0 && result != MBEDTLS_ERR_SSL_WANT_READ) fail("no handshake");
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) fail("expected FOLDER handshake|seal NUMBER");
  const std::string folder = arguments[1];
  const std::string what = arguments[2];
  const unsigned long number = std::strtoul(arguments[3], nullptr, 10);
  TlsSettings settings;
  settings.certificate_file = folder + "/server.pem";
  settings.key_file = folder + "/server.key";
  settings.client_auth = ClientAuth::kRequire;
  settings.client_ca_file = folder + "/ca.pem";
  const auto context = TlsContext::build(settings, read_material(settings));
  if (!context) fail(context.error().message.c_str());
  Client of(folder);

  double seconds = 0;
  if (what == "handshake") {
    for (unsigned long i = 0; i < number; ++i) {
      const double before = cpu_seconds();
      auto server = std::make_unique<End>((*context)->config());
      seconds += cpu_seconds() - before;
      End client(of.config);
      mbedtls_ssl_set_hostname(&client.ssl, "localhost");
      seconds += shake_hands(*server, client);
      const double after = cpu_seconds();
      server.reset();
      seconds += cpu_seconds() - after;
    }
    seconds /= static_cast<double>(number);
  } else {
    End server((*context)->config());
    End client(of.config);
    mbedtls_ssl_set_hostname(&client.ssl, "localhost");
    shake_hands(server, client);
    const std::string plain(64 * 1024, 'x');  // as a scrape comes: a slice at a time
    const double before = cpu_seconds();
    for (unsigned long left = number; left > 0;) {
      const std::size_t slice = std::min<std::size_t>(left, plain.size());
      for (std::size_t at = 0; at < slice;) {
        const int sealed = mbedtls_ssl_write(
            &server.ssl, reinterpret_cast<const unsigned char*>(plain.data() + at), slice - at);
        if (sealed <= 0) fail("cannot seal");
        at += static_cast<std::size_t>(sealed);
      }
      server.out.clear();
      left -= slice;
    }
    seconds = cpu_seconds() - before;
  }
  std::printf("%.1f\n", seconds * 1e6);
  return 0;
}
