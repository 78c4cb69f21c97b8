#include "agent/tls/tls_store.h"

#include <filesystem>
#include <fstream>

#include "tests/agent/tls/conversation.h"

namespace sidemeter::test {
namespace {

using When = TlsStore::When;
using Outcome = TlsStore::Outcome;

// A folder with a set of its own, that a test may spoil.
struct Files {
  Files() {
    use("server");
    settings.certificate_file = folder / "tls.crt";
    settings.key_file = folder / "tls.key";
    auto opened = TlsStore::open(settings, 100);
    REQUIRE(opened);
    store = *std::move(opened);
  }

  void use(const std::string& name) {
    copy(name + ".pem", "tls.crt");
    copy(name + ".key", "tls.key");
  }
  void copy(const std::string& from, const std::string& to) {
    std::filesystem::copy_file(authority().file(from), folder / to,
                               std::filesystem::copy_options::overwrite_existing);
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
  }

  TemporaryFolder folder;
  TlsSettings settings;
  std::unique_ptr<TlsStore> store;
};

}  // namespace

TEST_CASE("the first set counts as a success") {
  Files files;

  CHECK(files.store->reloads().succeeded == 1);
  CHECK(files.store->reloads().failed == 0);
  CHECK(files.store->reloads().last_success_seconds == 100);
}

TEST_CASE("files that are the same are left alone, unless they are asked for") {
  Files files;
  const auto before = files.store->context();

  CHECK(files.store->reload(When::kIfChanged, 200) == Outcome::kUnchanged);
  CHECK(files.store->context() == before);

  CHECK(files.store->reload(When::kAlways, 300) == Outcome::kLoaded);
  CHECK(files.store->reloads().last_success_seconds == 300);
}

TEST_CASE("a new set takes the place of the old, which whoever has it keeps") {
  Files files;
  const auto before = files.store->context();
  files.use("client");

  CHECK(files.store->reload(When::kIfChanged, 200) == Outcome::kLoaded);

  CHECK(files.store->context()->subject() == "CN=client");
  CHECK(before->subject() == "CN=server");
}

TEST_CASE(
    "behaviour 32: a broken set keeps the last good one, is counted once, and is tried again") {
  Files files;
  const auto good = files.store->context();
  SECTION("garbage") { files.write("tls.crt", "garbage"); }
  SECTION("half-written") { std::filesystem::resize_file(files.folder / "tls.crt", 300); }
  SECTION("a key of another") { files.copy("client.key", "tls.key"); }
  SECTION("gone") { std::filesystem::remove(files.folder / "tls.key"); }

  CHECK(files.store->reload(When::kIfChanged, 200) == Outcome::kKept);
  CHECK(files.store->reload(When::kIfChanged, 201) == Outcome::kUnchanged);

  CHECK(files.store->context() == good);
  CHECK(files.store->reloads().failed == 1);
  CHECK_FALSE(files.store->reloads().last_succeeded);
  CHECK(files.store->last_error().starts_with("Cannot load server certificate file '"));

  files.use("server");
  CHECK(files.store->reload(When::kIfChanged, 202) == Outcome::kLoaded);
  CHECK(files.store->reloads().last_succeeded);
  CHECK(files.store->last_error().empty());
}

TEST_CASE("where the first set is broken there is no store") {
  Files files;
  files.write("tls.crt", "garbage");

  const auto opened = TlsStore::open(files.settings, 0);

  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.starts_with("Cannot load server certificate file '"));
}

}  // namespace sidemeter::test
