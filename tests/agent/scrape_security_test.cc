#include "agent/scrape_security.h"

#include <filesystem>
#include <vector>

#include "tests/agent/net/room.h"
#include "tests/agent/tls/conversation.h"

namespace sidemeter::test {
namespace {

class Lines final : public Log {
 public:
  void write(LogLevel, std::string_view message, std::initializer_list<LogField> fields) override {
    text += message;
    for (const LogField& field : fields)
      text.append(" ").append(field.key).append("=") += field.value;
    text += "\n";
  }
  std::size_t count(const std::string& part) const {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }
  std::string text;
};

struct Place {
  Place() {
    use("server");
    options.tls.certificate_file = room.folder / "tls.crt";
    options.tls.key_file = room.folder / "tls.key";
  }

  void use(const std::string& name) {
    const auto overwrite = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(authority().file(name + ".pem"), room.folder / "tls.crt", overwrite);
    std::filesystem::copy_file(authority().file(name + ".key"), room.folder / "tls.key", overwrite);
  }

  std::unique_ptr<ScrapeSecurity> open() {
    auto opened = ScrapeSecurity::open(options, *room.loop, log);
    REQUIRE(opened);
    return *std::move(opened);
  }

  Room room;
  Lines log;
  ScrapeSecurityOptions options;
};

}  // namespace

TEST_CASE("where nothing is configured nothing stands between") {
  Place place;
  place.options = {};
  const auto security = place.open();
  std::string heard;
  auto session = std::make_unique<LineEcho>(heard);
  const Session* inner = session.get();

  CHECK(security->wrap(std::move(session)).get() == inner);
  CHECK(security->gate() == nullptr);
  CHECK_FALSE(security->has_tls());
}

TEST_CASE("certificates that change on disk are served, and broken ones are not") {
  Place place;
  const auto security = place.open();
  place.use("client");
  CHECK(place.room.until(
      [&] { return place.log.count("certificates reloaded subject=CN=client") == 1; }));

  std::filesystem::resize_file(place.room.folder / "tls.crt", 100);
  CHECK(place.room.until(
      [&] { return place.log.count("the last good ones stay cause=Cannot load") >= 1; }));
  CHECK(security->reloads().failed >= 1);

  place.use("server");
  CHECK(place.room.until([&] { return place.log.count("reloaded subject=CN=server") == 1; }));
}

TEST_CASE("a reload that is asked for reads again what has not changed") {
  Place place;
  const auto security = place.open();

  security->reload();

  CHECK(security->reloads().succeeded == 2);
}

TEST_CASE("of refusals of one reason one is logged, and all are counted") {
  Place place;
  const auto security = place.open();
  std::string heard;
  for (int i = 0; i < 3; ++i) {
    std::string out;
    security->wrap(std::make_unique<LineEcho>(heard))->receive("GET / HTTP/1.1\r\n", out);
    CHECK(out.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  }

  CHECK(place.log.count("refused a TLS handshake reason=plain_http") == 1);
  CHECK(security->handshakes().refused[static_cast<std::size_t>(Refusal::kPlainHttp)] == 3);
}

TEST_CASE("behaviour 28: to trust the system's authorities is warned of") {
  Place place;
  if (!std::filesystem::exists(kSystemStore)) return;
  place.options.tls.client_auth = ClientAuth::kRequire;
  const auto security = place.open();

  CHECK(place.log.count("any client that a public authority vouches for is let in") == 1);
}

TEST_CASE("settings that do not go together open nothing") {
  Place place;
  place.options.tls.key_file.clear();

  CHECK_FALSE(ScrapeSecurity::open(place.options, *place.room.loop, place.log));
}

}  // namespace sidemeter::test
