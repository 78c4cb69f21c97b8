#include "agent/tls/san.h"

#include "tests/support/catch.h"

namespace sidemeter::test {
namespace {

using Kind = San::Kind;

std::string element(unsigned char tag, const std::string& content) {
  std::string out(1, static_cast<char>(tag));
  if (content.size() < 0x80) return out + static_cast<char>(content.size()) + content;
  out += '\x82';
  out += static_cast<char>(content.size() / 256);
  out += static_cast<char>(content.size() % 256);
  return out + content;
}

// Extensions with a critical basicConstraints before the names.
std::string extensions(const std::string& names) {
  const std::string constraints =
      element(0x30, element(0x06, "\x55\x1D\x13") + element(0x01, "\xFF") +
                        element(0x04, element(0x30, "")));
  const std::string sans =
      element(0x30, element(0x06, "\x55\x1D\x11") + element(0x04, element(0x30, names)));
  return element(0x30, constraints + sans);
}

bool allowed(const San& presented, const std::string& text) {
  const auto parsed = parse_san(text);
  REQUIRE(parsed);
  return is_allowed(presented, {*parsed});
}

}  // namespace

TEST_CASE("an operator's text is an address, a URI, an e-mail address or a DNS name") {
  CHECK(parse_san("10.0.0.1") == San{Kind::kIp, std::string("\x0A\0\0\x01", 4)});
  CHECK(parse_san("::1") == San{Kind::kIp, std::string(15, '\0') + '\x01'});
  CHECK(parse_san("spiffe://a/b") == San{Kind::kUri, "spiffe://a/b"});
  CHECK(parse_san("urn:a:b") == San{Kind::kUri, "urn:a:b"});
  CHECK(parse_san("a@b.example") == San{Kind::kEmail, "a@b.example"});
  CHECK(parse_san("b.example") == San{Kind::kDns, "b.example"});
}

TEST_CASE("what no certificate may match is no name") {
  CHECK_FALSE(parse_san(""));
  CHECK_FALSE(parse_san("*.example"));
  CHECK_FALSE(parse_san(std::string_view("a\0b", 3)));
}

TEST_CASE("every kind of name is read by its tag (RFC 5280, 4.2.1.6)") {
  const auto names = read_sans(extensions(element(0x82, "a.example") + element(0xA0, "other") +
                                          element(0x81, "a@b") + element(0x86, "urn:x") +
                                          element(0x87, "\x7F\x01\x01\x01")));

  REQUIRE(names);
  CHECK(*names == std::vector<San>{{Kind::kDns, "a.example"},
                                   {Kind::kEmail, "a@b"},
                                   {Kind::kUri, "urn:x"},
                                   {Kind::kIp, "\x7F\x01\x01\x01"}});
}

TEST_CASE("long names are read, and no extensions are no names") {
  const std::string name(300, 'a');
  const auto names = read_sans(extensions(element(0x82, name)));
  REQUIRE(names);
  CHECK(names->at(0).value == name);
  CHECK(read_sans("")->empty());
}

TEST_CASE("of extensions that are cut anywhere no name counts") {
  const std::string whole = extensions(element(0x82, "a.example"));
  for (std::size_t length = 1; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(read_sans(whole.substr(0, length)));
  }
}

TEST_CASE("names are compared whole, DNS names without case") {
  CHECK(allowed({Kind::kDns, "A.Example"}, "a.example"));
  CHECK_FALSE(allowed({Kind::kDns, "a.example."}, "a.example"));
  CHECK_FALSE(allowed({Kind::kDns, "a.exampl"}, "a.example"));
  CHECK_FALSE(allowed({Kind::kDns, "a.example.org"}, "a.example"));
  CHECK(allowed({Kind::kUri, "urn:X"}, "urn:X"));
  CHECK_FALSE(allowed({Kind::kUri, "urn:x"}, "urn:X"));
  CHECK(allowed({Kind::kEmail, "a@b"}, "a@b"));
}

TEST_CASE("a wildcard, a NUL, or the same text as another kind of name matches nothing") {
  CHECK_FALSE(is_allowed({Kind::kDns, "*.example"}, {{Kind::kDns, "*.example"}}));
  CHECK_FALSE(
      is_allowed({Kind::kDns, std::string("a.example\0.evil", 15)}, {{Kind::kDns, "a.example"}}));
  CHECK_FALSE(allowed({Kind::kDns, "10.0.0.1"}, "10.0.0.1"));
  CHECK_FALSE(allowed({Kind::kUri, "a.example"}, "a.example"));
  CHECK(allowed({Kind::kIp, std::string("\x0A\0\0\x2A", 4)}, "10.0.0.42"));
}

}  // namespace sidemeter::test
