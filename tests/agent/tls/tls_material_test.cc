#include "agent/tls/tls_material.h"

#include <unistd.h>

#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace sidemeter::test {
namespace {

struct Files {
  Files() {
    settings.certificate_file = write("server.pem", "certificate");
    settings.key_file = write("server.key", "key");
    settings.client_auth = ClientAuth::kRequire;
    settings.client_ca_path = folder.path();
  }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    return folder / name;
  }

  TemporaryFolder folder;
  TlsSettings settings;
};

const std::string kOne = "-----BEGIN CERTIFICATE-----\n1";
const std::string kTwo = "-----BEGIN CERTIFICATE-----\n2";

}  // namespace

TEST_CASE("two readings are equal until a file changes") {
  Files files;
  const TlsMaterial before = read_material(files.settings);
  CHECK(before.certificate.text == "certificate");
  CHECK(read_material(files.settings) == before);

  files.write("server.key", "other");

  CHECK_FALSE(read_material(files.settings) == before);
}

TEST_CASE("a file that cannot be used says why") {
  Files files;
  files.settings.certificate_file = files.folder / "absent";
  files.write("server.key", " \n");
  files.settings.client_crl_file = files.write("crl", std::string(1024 * 1024 + 1, 'x'));

  const TlsMaterial material = read_material(files.settings);

  CHECK(material.certificate.cause == "No such file or directory");
  CHECK(material.key.cause == "the file is empty");
  CHECK(material.client_crl->cause == "expected at most 1 MiB, got more");
}

TEST_CASE("a folder's certificates are read by name, each once, hashed or not, and nothing else") {
  Files files;
  files.write("b.pem", kTwo);
  files.write("a.pem", kOne);
  files.write("0a1b2c3d.r0", "-----BEGIN X509 CRL-----");
  files.write(".hidden", kOne + "3");
  REQUIRE(::symlink("a.pem", (files.folder / "1f2e3d4c.0").c_str()) == 0);

  const TlsMaterial material = read_material(files.settings);

  REQUIRE(material.client_cas.size() == 2);
  CHECK(material.client_cas[0].text == kOne);
  CHECK(material.client_cas[1].text == kTwo);
}

TEST_CASE("a folder that is not there says so, with its name") {
  Files files;
  files.settings.client_ca_path = files.folder / "absent";

  CHECK(read_material(files.settings).client_cas_cause ==
        files.folder / "absent" + ": No such file or directory");
}

TEST_CASE("without client authentication no authority is read") {
  Files files;
  files.write("a.pem", kOne);
  files.settings.client_auth = ClientAuth::kNone;

  CHECK(read_material(files.settings).client_cas.empty());
}

}  // namespace sidemeter::test
