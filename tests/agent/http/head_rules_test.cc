#include "agent/http/head_rules.h"

#include <string>
#include <utility>

#include "tests/support/catch.h"

using namespace sidemeter;

namespace {

const std::string kHost = "Host: x\r\n";

int check(const std::string& request_line, const std::string& fields = kHost) {
  const ScrapeLimits limits;
  const auto error = http::check_head(request_line + "\r\n" + fields + "\r\n", limits);
  CHECK((error.status == 0) == error.hint.empty());  // an error has words
  return error.status;
}

int check_field(const std::string& line) { return check("GET / HTTP/1.1", kHost + line + "\r\n"); }

int check_host(const std::string& value, const std::string& target = "/") {
  const std::string method = target == "*" ? "OPTIONS " : "GET ";
  return check(method + target + " HTTP/1.1", "Host: " + value + "\r\n");
}

constexpr int kFine = 0;

}  // namespace

TEST_CASE("behaviour 7: the request line is a token, a target and a version, one blank between") {
  for (const auto* line :
       {"GET / HTTP/1.1", "GET / HTTP/1.0", "get / HTTP/1.1", "x!#$%&'*+-.^_`|~09AZ / HTTP/1.1",
        "GET /~!$&'()*+,;=:@%?[]{}|\\^`\"<> HTTP/1.1"}) {
    INFO(line);
    CHECK(check(line) == kFine);
  }
  for (const auto* line :
       {"", "GET", "GET ", "GET /", "GET / ", " / HTTP/1.1", "GET  HTTP/1.1", "GET  / HTTP/1.1",
        "GET /  HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET / x HTTP/1.1",
        "GET\t/ HTTP/1.1", "GET /\tHTTP/1.1", "G@T / HTTP/1.1", "\"GET\" / HTTP/1.1",
        "G\xc3\x89T / HTTP/1.1", "GET: / HTTP/1.1"}) {
    INFO(line);
    CHECK(check(line) == 400);
  }
}

TEST_CASE("behaviour 7: a target is visible ASCII without a fragment") {
  for (const std::string byte : {"\x01", "\x7f", "\x80", "\xff", "#", "\t"}) {
    INFO(byte);
    CHECK(check("GET /a" + byte + "b HTTP/1.1") == 400);
  }
}

TEST_CASE("behaviour 5: a version is HTTP/1.0 or HTTP/1.1, a well-formed other one is 505") {
  for (const auto* version : {"HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0"}) {
    INFO(version);
    CHECK(check(std::string("GET / ") + version) == 505);
  }
  for (const auto* version :
       {"HTTP/1", "HTTP/1.", "HTTP/1.10", "HTTP/11.1", "HTTP/+1.1", "HTTP/1,1", "http/1.1",
        "HTTP1.1", "HTTPS/1.1", "HTTP/x.y", "SPDY/1.1"}) {
    INFO(version);
    CHECK(check(std::string("GET / ") + version) == 400);
  }
  CHECK(check("PRI * HTTP/2.0", "") == 505);  // the preface of HTTP/2
}

// RFC 9112, 3.2.
TEST_CASE("a target has one of four forms, each for its methods") {
  for (const auto* line : {"GET //", "GET /?x", "GET http://a", "GET http://a?x",
                           "GET HTTPS://a:1/b", "POST http://[::1]:9/x", "OPTIONS *",
                           "OPTIONS http://a", "CONNECT a:443", "CONNECT [::1]:443"}) {
    INFO(line);
    CHECK(check(std::string(line) + " HTTP/1.1") == kFine);
  }
  for (const auto* line :
       {"GET *", "options *", "OPTIONS **", "GET a:443", "OPTIONS a:443", "GET metrics", "GET ?x",
        "GET http:/a", "GET http://", "GET http:///x", "GET http://u@a/", "GET http://a,b/",
        "GET http://:80/", "GET http://[::1/", "GET ftp://a/", "GET httpx://a/",
        "CONNECT u@a:443"}) {
    INFO(line);
    CHECK(check(std::string(line) + " HTTP/1.1") == 400);
  }
}

TEST_CASE("behaviour 7: the name of a field is a token right before its colon") {
  for (const auto* line :
       {"X:", "X: ", "X:a", "X: \t a \t", "X: a:b", "!#$%&'*+-.^_`|~09AZaz: a"}) {
    INFO(line);
    CHECK(check_field(line) == kFine);
  }
  for (const auto* line : {"X", ":", ": a", "X : a", "X\t: a", " X: a", "\tX: a", "X Y: a", "X(: a",
                           "X\xe9: a", "X\x01: a", "\"X\": a", " ", "\t"}) {
    INFO(line);
    CHECK(check_field(line) == 400);
  }
}

TEST_CASE("behaviour 7: no line is folded") {
  CHECK(check_field("X: a\r\n b") == 400);
  CHECK(check_field("X: a\r\n\tb") == 400);
  CHECK(check_field("X: a\r\n b: c") == 400);
  CHECK(check("GET / HTTP/1.1", " Host: x\r\n") == 400);
}

TEST_CASE("behaviour 7: a value holds no control byte but the tab") {
  CHECK(check_field("X: caf\xc3\xa9 \xff") == kFine);
  CHECK(check_field("X: a\tb") == kFine);
  for (int byte = 0; byte < 0x20; ++byte) {
    if (byte == '\t' || byte == '\r' || byte == '\n') continue;
    INFO(byte);
    CHECK(check_field(std::string("X: a") + static_cast<char>(byte) + "b") == 400);
    CHECK(check_field(std::string("X: ") + static_cast<char>(byte)) == 400);
  }
  CHECK(check_field("X: a\x7f") == 400);
}

TEST_CASE("behaviour 7: 1.1 wants exactly one Host, 1.0 at most one") {
  CHECK(check("GET / HTTP/1.1", "") == 400);
  CHECK(check("GET / HTTP/1.1", "Hosts: x\r\n") == 400);
  CHECK(check("GET / HTTP/1.1", "hOsT: x\r\n") == kFine);
  CHECK(check("GET / HTTP/1.1", kHost + kHost) == 400);
  CHECK(check("GET / HTTP/1.1", kHost + "host: y\r\n") == 400);
  CHECK(check("GET / HTTP/1.1", kHost + "Host:\r\n") == 400);
  CHECK(check("GET / HTTP/1.0", "") == kFine);
  CHECK(check("GET / HTTP/1.0", kHost) == kFine);
  CHECK(check("GET / HTTP/1.0", kHost + kHost) == 400);
  CHECK(check("GET / HTTP/1.0", "Host: a/b\r\n") == 400);
}

TEST_CASE("behaviour 7: Host is well-formed") {
  CHECK(check_host("a:1") == kFine);
  CHECK(check_host(" \t[::1]:9469 ") == kFine);
  for (const auto* value : {"u@x", "x/y", "x, y", "x,", "x y", ":80", "[::1", "x:y", "http://x"}) {
    INFO(value);
    CHECK(check_host(value) == 400);
    CHECK(check_host(value, "http://a/") == 400);
  }
}

// RFC 9112, 3.2 and 3.2.2: an http target in origin form takes its authority from Host, and that of
// http is never empty (RFC 9110, 4.2.1); `*` names no authority, an absolute target its own.
TEST_CASE("behaviour 7: Host is empty only where the target does not need it") {
  CHECK(check_host("") == 400);
  CHECK(check("GET / HTTP/1.0", "Host:\r\n") == 400);
  CHECK(check("CONNECT a:1 HTTP/1.1", "Host:\r\n") == 400);
  CHECK(check_host("", "*") == kFine);
  CHECK(check_host("", "http://a/") == kFine);
}

TEST_CASE("behaviour 7: Content-Length is digits, and one value") {
  for (const auto* value : {"0", "5", "005", " 5 ", "123456789012345678"}) {
    INFO(value);
    CHECK(check_field(std::string("Content-Length: ") + value) == kFine);
  }
  for (const auto* value : {"", "+5", "-5", "0x5", "5.0", "5a", "5 5", "5,5", "5, 5", "5;", "\"5\"",
                            "18446744073709551616", "99999999999999999999999"}) {
    INFO(value);
    CHECK(check_field(std::string("Content-Length: ") + value) == 400);
  }
  CHECK(check_field("Content-Length: 5\r\nContent-Length: 5") == kFine);
  CHECK(check_field("Content-Length: 5\r\ncontent-length: 6") == 400);
  CHECK(check_field("Content-Length: 0\r\nContent-Length: 5") == 400);
  CHECK(check_field("Content-Length: 5\r\nContent-Length: 5\r\nContent-Length: 6") == 400);
}

TEST_CASE("behaviour 7: Transfer-Encoding stands without Content-Length, and not on 1.0") {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::string length = "Content-Length: 0\r\n";
  CHECK(check("GET / HTTP/1.1", kHost + chunked) == kFine);
  CHECK(check("GET / HTTP/1.1", kHost + chunked + length) == 400);
  CHECK(check("GET / HTTP/1.1", kHost + length + chunked) == 400);
  CHECK(check("GET / HTTP/1.0", kHost + chunked) == 400);
}

TEST_CASE("behaviour 8: so many header fields, and not one more") {
  std::string fields = kHost;
  for (int n = 1; n < 100; ++n) fields += "X: y\r\n";
  CHECK(check("GET / HTTP/1.1", fields) == kFine);
  CHECK(check("GET / HTTP/1.1", fields + "X: y\r\n") == 431);
}
