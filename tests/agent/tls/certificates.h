// Certificates as another program makes them: `openssl`, in a folder of the test's own.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace sidemeter::test {

inline void run(const std::string& command) {
  const int status = std::system((command + " >/dev/null 2>&1").c_str());
  INFO(command);
  REQUIRE(status == 0);
}

// An authority and what it vouches for. `name` of what it issues is a file's beginning: name.pem,
// name.key.
class Authority {
 public:
  explicit Authority(const std::string& subject = "authority") {
    run("openssl req -x509 " + key("P-256", "ca") + " -out " + file("ca.pem") +
        " -subj /CN=" + subject + " -days 30");
  }

  // `extensions` as `openssl req -addext` takes them.
  void issue(const std::string& name, const std::vector<std::string>& extensions = {},
             const std::string& curve = "P-256") {
    std::string command = "openssl req -x509 " + key(curve, name) + " -out " + file(name + ".pem") +
                          " -subj /CN=" + name + " -days 20 -CA " + file("ca.pem") + " -CAkey " +
                          file("ca.key");
    command += " -addext basicConstraints=critical,CA:FALSE";
    for (const std::string& extension : extensions) command += " -addext '" + extension + "'";
    run(command);
  }

  std::string file(const std::string& name) const { return folder_ / name; }
  const std::string& folder() const { return folder_.path(); }

 private:
  std::string key(const std::string& curve, const std::string& name) const {
    const std::string kind = curve.starts_with("rsa:")
                                 ? "-newkey " + curve
                                 : "-newkey ec -pkeyopt ec_paramgen_curve:" + curve;
    return kind + " -nodes -keyout " + file(name + ".key");
  }

  TemporaryFolder folder_;
};

// One for all tests of the room: making keys takes longer than most of them.
inline Authority& authority() {
  static Authority& shared = *[] {
    static Authority made;
    made.issue("server", {"subjectAltName=DNS:localhost"});
    made.issue("client", {"subjectAltName=DNS:prometheus.example,URI:spiffe://example/prometheus",
                          "extendedKeyUsage=clientAuth"});
    return &made;
  }();
  return shared;
}

}  // namespace sidemeter::test
