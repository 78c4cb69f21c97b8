#include "agent/tls/tls_session.h"

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

std::vector<TlsVersion> versions() {
  if (mbedtls::kNewestVersion == TlsVersion::kTls12) return {TlsVersion::kTls12};
  return {TlsVersion::kTls12, TlsVersion::kTls13};
}

// mbedTLS 3.6 sends a TLS 1.3 alert that follows its Finished under the keys of the handshake,
// where the client expects the others (RFC 8446, 7.1): the client fails, and cannot read why.
bool hears_refusal(const Conversation& tls, TlsVersion version) {
  return version == TlsVersion::kTls12 ? tls.client.got_alert() : tls.client.failed();
}

}  // namespace

TEST_CASE("what is said inside is heard, in pieces of any size, in each version") {
  const std::size_t piece = GENERATE(values<std::size_t>({1'000'000, 1, 7}));
  for (const TlsVersion version : versions()) {
    CAPTURE(piece, static_cast<int>(version));
    Conversation tls(server_settings(), nobody(), version);
    tls.client.say("one\ntwo\n");

    tls.exchange(piece);

    CHECK(tls.client.heard() == "one\ntwo\n");
    CHECK(tls.next == Next::kIdle);
    CHECK(tls.room.stats.completed == 1);
    CHECK(tls.room.stats.in_flight == 0);
  }
}

TEST_CASE("a client with a good certificate is let in, and one without is not") {
  for (const TlsVersion version : versions()) {
    CAPTURE(static_cast<int>(version));
    Conversation good(mutual(), good_client(), version);
    good.client.say("one\n");
    good.exchange();
    CHECK(good.client.heard() == "one\n");

    Conversation bare(mutual(), nobody(), version);
    bare.client.say("one\n");
    bare.exchange();
    CHECK(bare.heard.empty());
    CHECK(bare.next == Next::kClose);
    CHECK(bare.refused(Refusal::kNoCertificate) == 1);
    CHECK(hears_refusal(bare, version));
    CHECK(bare.room.stats.in_flight == 0);
  }
}

TEST_CASE(
    "a certificate of another authority with the same name is refused, asked for or required") {
  static Authority other;
  if (!std::ifstream(other.file("client.pem"))) other.issue("client");
  const ClientFiles stranger = {authority().file("ca.pem"), other.file("client.pem"),
                                other.file("client.key")};
  for (const TlsVersion version : versions()) {
    for (const ClientAuth auth : {ClientAuth::kRequest, ClientAuth::kRequire}) {
      CAPTURE(static_cast<int>(version), static_cast<int>(auth));
      TlsSettings settings = mutual();
      settings.client_auth = auth;
      Conversation tls(settings, stranger, version);
      tls.client.say("one\n");

      tls.exchange();

      CHECK(tls.heard.empty());
      CHECK(tls.refused(Refusal::kUnknownCa) == 1);
      CHECK(hears_refusal(tls, version));
    }
  }
}

TEST_CASE("where a certificate is only asked for, a client may come without") {
  TlsSettings settings = mutual();
  settings.client_auth = ClientAuth::kRequest;
  Conversation tls(settings);
  tls.client.say("one\n");

  tls.exchange();

  CHECK(tls.client.heard() == "one\n");
}

TEST_CASE("behaviour 29: of allowed names a client must hold one") {
  const auto [name, admitted] =
      GENERATE(table<std::string, bool>({{"prometheus.example", true},
                                         {"PROMETHEUS.example", true},
                                         {"spiffe://example/prometheus", true},
                                         {"prometheus.exampl", false},
                                         {"client", false},
                                         {"spiffe://example/Prometheus", false}}));
  CAPTURE(name);
  TlsSettings settings = mutual();
  settings.client_allowed_sans = {"other.example", name};
  Conversation tls(settings, good_client());
  tls.client.say("one\n");

  tls.exchange();

  CHECK(tls.heard == (admitted ? "one\n" : ""));
  CHECK(tls.refused(Refusal::kNameNotAllowed) == (admitted ? 0 : 1));
}

TEST_CASE("Finished and a request in one piece: the request is answered") {
  Conversation tls(server_settings());
  tls.client.say("one\n");  // leaves with the last flight

  tls.exchange();

  CHECK(tls.client.heard() == "one\n");
}

TEST_CASE("many messages in one record are answered in order") {
  Conversation tls(server_settings());
  std::string all;
  for (int i = 0; i < 500; ++i) all += std::to_string(i) + "\n";
  tls.client.say(all);

  tls.exchange();

  CHECK(tls.client.heard() == all);
}

TEST_CASE("a long reply comes slice by slice, and what follows it waits") {
  for (const TlsVersion version : versions()) {
    Conversation tls(server_settings(), nobody(), version);
    tls.client.say("more 5\nafter\n");
    tls.exchange();
    CHECK(tls.client.heard() == std::string(5 * 64 * 1024, '.') + "after\n");
    CHECK(tls.resumed >= 6);

    // A record that came with the one that is being answered.
    tls.client.say("more 1\n");
    tls.client.take("");
    tls.client.say("last\n");
    tls.client.take("");
    tls.exchange();
    CHECK(tls.client.heard().ends_with(".last\n"));
  }
}

TEST_CASE("behaviour 35: whoever ends it, close_notify is said") {
  Conversation tls(server_settings());
  tls.client.say("one\n");
  tls.exchange();
  SECTION("the session inside") {
    tls.client.say("bye\n");
    tls.exchange();
    CHECK(tls.client.heard() == "one\nbye\n");
    CHECK(tls.next == Next::kClose);
  }
  SECTION("the carrier, between two messages") { tls.server->farewell(tls.to_client); }
  SECTION("the client, by close_notify: the session inside has its last word") {
    tls.client.close();
    tls.to_server += tls.client.take_outgoing();
    tls.next = tls.server->receive(std::exchange(tls.to_server, {}), tls.to_client);
    CHECK(tls.next == Next::kClose);
  }
  SECTION("the client's connection, without a word") {
    tls.next = tls.server->finish(tls.to_client);
    CHECK(tls.next == Next::kClose);
  }
  SECTION("a message's deadline") {
    tls.next = tls.server->expire(tls.to_client);
    CHECK(tls.next == Next::kClose);
  }
  tls.client.take(tls.to_client);
  CHECK(tls.client.got_close_notify());
}

TEST_CASE("behaviour 34: plain HTTP gets a reply that can be read") {
  const std::size_t piece = GENERATE(values<std::size_t>({1'000'000, 1}));
  Conversation tls(server_settings());
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  std::string out;

  CHECK(tls.server->receive(request.substr(0, piece), out) == Next::kClose);

  CHECK(out == tls.room.plain_http_reply);
  CHECK(tls.refused(Refusal::kPlainHttp) == 1);
}

TEST_CASE("what is neither TLS nor HTTP is refused") {
  Conversation tls(server_settings());
  std::string out;

  CHECK(tls.server->receive(std::string(100, '\xFF'), out) == Next::kClose);

  CHECK(tls.room.stats.in_flight == 0);
  CHECK(tls.refused(Refusal::kOther) == 1);
}

TEST_CASE("behaviour 31: a handshake that is not complete in time is counted") {
  Conversation tls(server_settings());
  std::string out;
  CHECK(tls.room.stats.in_flight == 1);
  SECTION("silent") {}
  SECTION("begun") { CHECK(tls.server->receive("\x16\x03", out) == Next::kOpening); }

  CHECK(tls.server->expire(out) == Next::kClose);

  CHECK(tls.refused(Refusal::kTimeout) == 1);
  CHECK(tls.room.stats.in_flight == 0);
}

TEST_CASE("a client that leaves within the handshake is counted once") {
  Conversation tls(server_settings());
  std::string out;

  CHECK(tls.server->finish(out) == Next::kClose);
  tls.server.reset();

  CHECK(tls.refused(Refusal::kClientLeft) == 1);
  CHECK(tls.room.stats.in_flight == 0);
}

TEST_CASE("a client that does not trust the certificate says so") {
  static Authority other;
  for (const TlsVersion version : versions()) {
    CAPTURE(static_cast<int>(version));
    Conversation tls(server_settings(), {other.file("ca.pem"), "", ""}, version);

    tls.exchange();

    CHECK(tls.refused(Refusal::kClientAlert) == 1);
  }
}

TEST_CASE("in one turn of the loop only so many handshakes go on") {
  Conversation tls(server_settings());
  std::uint64_t turn = 1;
  tls.room.turn = [&turn] { return turn; };
  tls.room.steps_per_turn = 1;
  CHECK(tls.room.take_step());  // another's
  tls.client.take("");
  const std::string hello = tls.client.take_outgoing();
  std::string out;

  CHECK(tls.server->receive(hello, out) == Next::kMore);
  CHECK(tls.server->resume(out) == Next::kMore);
  CHECK(out.empty());
  turn = 2;
  CHECK(tls.server->resume(out) == Next::kOpening);
  CHECK_FALSE(out.empty());
}

TEST_CASE("within a record the session is within a message, so that a trickle has a deadline") {
  Conversation tls(server_settings());
  tls.client.say("one\n");
  tls.exchange();
  tls.client.say("two\n");
  tls.client.take("");
  const std::string record = tls.client.take_outgoing();
  std::string out;

  CHECK(tls.server->receive(record.substr(0, 3), out) == Next::kPartial);
  CHECK(tls.server->receive(record.substr(3), out) == Next::kIdle);
}

TEST_CASE("an open session keeps the context that it began with") {
  Conversation tls(server_settings());
  tls.client.say("one\n");
  tls.exchange();
  tls.room.context = nullptr;

  tls.client.say("two\n");
  tls.exchange();

  CHECK(tls.client.heard() == "one\ntwo\n");
}

TEST_CASE("a record that was tampered with ends the conversation") {
  Conversation tls(server_settings());
  tls.client.say("one\n");
  tls.exchange();
  tls.client.say("two\n");
  tls.client.take("");
  std::string record = tls.client.take_outgoing();
  record.back() = static_cast<char>(record.back() ^ 1);
  std::string out;

  CHECK(tls.server->receive(record, out) == Next::kClose);

  CHECK(tls.heard == "one\n");
}

TEST_CASE("versions and suites are as the operator set them") {
  TlsSettings settings = server_settings();
  settings.ciphers = {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"};
  Conversation tls(settings, nobody(), TlsVersion::kTls12);
  tls.client.say("one\n");
  tls.exchange();
  CHECK(tls.client.heard() == "one\n");

  settings.ciphers = {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"};  // the certificate is ECDSA's
  Conversation none(settings, nobody(), TlsVersion::kTls12);
  none.exchange();
  CHECK(none.refused(Refusal::kNothingInCommon) == 1);
  CHECK(none.client.got_alert());
}

}  // namespace sidemeter::test
