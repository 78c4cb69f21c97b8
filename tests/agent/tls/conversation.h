// A TLS client and a TLS session that exchange strings, in pieces of any size.
#pragma once

#include <memory>
#include <string>

#include "agent/tls/tls_session.h"
#include "tests/agent/net/line_echo.h"
#include "tests/agent/tls/certificates.h"
#include "tests/agent/tls/tls_client.h"

namespace sidemeter::test {

inline constexpr std::size_t kWhole = 1'000'000;

inline TlsSettings server_settings() {
  TlsSettings settings;
  settings.certificate_file = authority().file("server.pem");
  settings.key_file = authority().file("server.key");
  return settings;
}

inline ClientFiles good_client() {
  return {authority().file("ca.pem"), authority().file("client.pem"),
          authority().file("client.key")};
}

inline ClientFiles nobody() { return {authority().file("ca.pem"), "", ""}; }

struct Conversation {
  explicit Conversation(const TlsSettings& settings, const ClientFiles& files = nobody(),
                        TlsVersion most = mbedtls::kNewestVersion)
      : client(files, TlsVersion::kTls12, most) {
    auto built = TlsContext::build(settings, read_material(settings));
    if (!built) FAIL(built.error().message);
    room.context = *std::move(built);
    room.plain_http_reply = "HTTP/1.1 400 Bad Request\r\n\r\n";
    room.now = [this] { return clock += 0.5; };
    room.turn = [this] { return ++turns; };
    server = std::make_unique<TlsSession>(room, std::make_unique<LineEcho>(heard));
  }

  // Until nobody has anything to say, each read of the session being of at most `piece` bytes.
  void exchange(std::size_t piece = kWhole) {
    for (;;) {
      client.take(std::exchange(to_client, {}));
      to_server += client.take_outgoing();
      if (next == Next::kMore) {
        next = server->resume(to_client);
        ++resumed;
      } else if (!to_server.empty() && next != Next::kClose) {
        next = server->receive(to_server.substr(0, piece), to_client);
        to_server.erase(0, std::min(piece, to_server.size()));
      } else if (to_client.empty()) {
        return;
      }
    }
  }

  std::uint64_t refused(Refusal refusal) const {
    return room.stats.refused[static_cast<std::size_t>(refusal)];
  }

  double clock = 0;
  std::uint64_t turns = 0;
  TlsRoom room;
  std::string heard;
  std::unique_ptr<TlsSession> server;
  TlsClient client;
  std::string to_server, to_client;
  Next next = Next::kOpening;
  int resumed = 0;
};

}  // namespace sidemeter::test
