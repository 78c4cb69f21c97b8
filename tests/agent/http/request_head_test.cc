#include "agent/http/request_head.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

using namespace sidemeter;
using http::RequestReader;

namespace {

enum class End { kIdle, kWithinHead, kRefused };

// All that a reader says of some bytes, in words.
struct Reading {
  std::vector<http::Request> requests;
  int status = 0;
  End end = End::kIdle;
  std::string text;
};

std::string describe(const http::Request& request) {
  return request.method + ' ' + request.target + ' ' + std::to_string(request.version) +
         (request.keep_alive ? " keeps" : " closes") + (request.expects_other ? " expects" : "") +
         (request.announces_body ? " body" : "") + " accept=" + request.accept +
         " encoding=" + request.accept_encoding + '\n';
}

Reading read_in_pieces(const std::string& bytes, std::size_t piece, const ScrapeLimits& limits) {
  RequestReader reader(limits);
  Reading reading;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.push(std::string_view(bytes).substr(at, piece));
    for (;;) {
      auto outcome = reader.next();
      if (std::holds_alternative<RequestReader::NeedMore>(outcome)) break;
      if (const auto* error = std::get_if<http::HeadError>(&outcome)) {
        reading.status = error->status;
        reading.end = End::kRefused;
        reading.text += std::to_string(error->status) + ' ' + error->hint;
        return reading;
      }
      reading.requests.push_back(std::get<http::Request>(outcome));
      reading.text += describe(reading.requests.back());
    }
  }
  reading.end = reader.within_head() ? End::kWithinHead : End::kIdle;
  return reading;
}

// Whole, byte by byte, and in other pieces: always the same.
Reading read(const std::string& bytes, const ScrapeLimits& limits = {}) {
  auto whole = read_in_pieces(bytes, bytes.size() + 1, limits);
  for (const unsigned piece : {1U, 2U, 3U, 7U, 64U}) {
    const auto again = read_in_pieces(bytes, piece, limits);
    CHECK(again.text == whole.text);
    CHECK(again.end == whole.end);
  }
  return whole;
}

http::Request read_one(const std::string& head) {
  const auto reading = read(head);
  REQUIRE(reading.requests.size() == 1);
  CHECK(reading.end == End::kIdle);
  return reading.requests.front();
}

std::string get(const std::string& fields) {
  return "GET / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

std::string old_get(const std::string& fields) { return "GET / HTTP/1.0\r\n" + fields + "\r\n"; }

}  // namespace

TEST_CASE("a head is read as it is written") {
  const auto request = read_one(
      "POST /a?name[]=b HTTP/1.1\r\nhost:x\r\nACCEPT:  a/b;q=1 "
      "\r\nAccept-Encoding:\tgzip\t\r\n\r\n");
  CHECK(request.method == "POST");
  CHECK(request.target == "/a?name[]=b");
  CHECK(request.version == 11);
  CHECK(request.accept == "a/b;q=1");
  CHECK(request.accept_encoding == "gzip");
  CHECK(request.keep_alive);
  CHECK_FALSE(request.expects_other);
  CHECK_FALSE(request.announces_body);
}

TEST_CASE("behaviour 12: repeated Accept fields are one list") {
  const auto request = read_one(
      get("Accept: a/b\r\nAccept-Encoding: x\r\naccept: c/d;q=0\r\nAccept-Encoding: gzip\r\n"));
  CHECK(request.accept == "a/b, c/d;q=0");
  CHECK(request.accept_encoding == "x, gzip");
  CHECK(read_one(get("Accept:\r\nAccept: a/b\r\nAccept: \r\n")).accept == "a/b");
}

TEST_CASE("behaviour 6: 1.1 stays unless it asks to close, 1.0 closes unless it asks to stay") {
  for (const auto* close :
       {"close", "Close", "CLOSE", "keep-alive, close", "close , keep-alive", "x,close,y",
        "close\r\nConnection: keep-alive", "keep-alive\r\nConnection: close"}) {
    INFO(close);
    CHECK_FALSE(read_one(get("Connection: " + std::string(close) + "\r\n")).keep_alive);
    CHECK_FALSE(read_one(old_get("Connection: " + std::string(close) + "\r\n")).keep_alive);
  }
  for (const auto* stay : {"keep-alive", "Keep-Alive", "x, KEEP-ALIVE"}) {
    INFO(stay);
    CHECK(read_one(get("Connection: " + std::string(stay) + "\r\n")).keep_alive);
    CHECK(read_one(old_get("Connection: " + std::string(stay) + "\r\n")).keep_alive);
  }
  CHECK(read_one(get("")).keep_alive);
  CHECK(read_one(get("Connection: closed\r\n")).keep_alive);
  CHECK(read_one(get("Proxy-Connection: close\r\n")).keep_alive);
  CHECK_FALSE(read_one(old_get("")).keep_alive);
  CHECK_FALSE(read_one(old_get("Proxy-Connection: keep-alive\r\n")).keep_alive);
}

TEST_CASE("behaviour 6: a length above 0 and any Transfer-Encoding announce a body") {
  CHECK(read_one(get("Content-Length: 1\r\n")).announces_body);
  CHECK(read_one(get("Content-Length: 010\r\n")).announces_body);
  CHECK(read_one(get("Transfer-Encoding: chunked\r\n")).announces_body);
  CHECK(read_one(get("Transfer-Encoding: gzip, chunked\r\n")).announces_body);
  CHECK(read_one(get("Transfer-Encoding: identity\r\n")).announces_body);
  CHECK(read_one(get("Transfer-Encoding:\r\n")).announces_body);
  CHECK_FALSE(read_one(get("Content-Length: 0\r\n")).announces_body);
  CHECK_FALSE(read_one(get("Content-Length: 00\r\nContent-Length: 00\r\n")).announces_body);
}

// RFC 9110, 10.1.1.
TEST_CASE("behaviour 5: 100-continue is the only expectation that is known") {
  CHECK_FALSE(read_one(get("Expect: 100-continue\r\n")).expects_other);
  CHECK_FALSE(read_one(get("Expect: 100-Continue\r\n")).expects_other);
  CHECK(read_one(get("Expect: 200-ok\r\n")).expects_other);
  CHECK(read_one(get("Expect: 100-continue, x\r\n")).expects_other);
  CHECK(read_one(get("Expect: x\r\nExpect: 100-continue\r\n")).expects_other);
}

TEST_CASE("behaviour 6: pipelined heads are read in order") {
  const auto reading = read(get("") + "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n" + old_get("") +
                            "GET /last HTTP/1.1\r\nHo");
  REQUIRE(reading.requests.size() == 3);
  CHECK(reading.requests[0].target == "/");
  CHECK(reading.requests[1].target == "*");
  CHECK(reading.requests[2].version == 10);
  CHECK(reading.end == End::kWithinHead);
}

TEST_CASE("behaviour 7: each line of the head ends in CR LF, and no other CR or LF stands in it") {
  for (const auto* head :
       {"GET / HTTP/1.1\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\n", "GET / HTTP/1.1\nHost: x\n\n",
        "GET /a\rb HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\r\n\r\n", "\n", "\rG",
        "GET / HTTP/1.1\r\nHost: x\r\n\rX"}) {
    INFO(head);
    const auto reading = read(head);
    CHECK(reading.status == 400);
    CHECK(reading.requests.empty());
  }
}

TEST_CASE("behaviour 7: a NUL is refused as soon as it is seen") {
  const std::string hello("\x16\x03\x01\x02\x00\x01", 6);  // what TLS begins with
  CHECK(read(hello).status == 400);
  CHECK(read(std::string("GET / HTTP/1.1\r\nX: a\0", 21)).status == 400);
}

TEST_CASE("behaviour 7: what the rules refuse is refused by the reader") {
  CHECK(read("GET / HTTP/1.1\r\n\r\n").status == 400);
  CHECK(read("GET / HTTP/2.0\r\nHost: x\r\n\r\n").status == 505);
  CHECK(read(get("Connection: a b\r\n")).status == 400);
  CHECK(read(get("") + get("Host: y\r\n")).requests.size() == 1);
  CHECK(read(get("") + get("Host: y\r\n")).status == 400);
}

// RFC 9112, 2.2.
TEST_CASE("one empty line before a request is forgiven, a second one is not") {
  CHECK(read("\r\n" + get("") + "\r\n" + get("")).requests.size() == 2);
  CHECK(read("\r\n").end == End::kIdle);
  CHECK(read("\r").end == End::kWithinHead);
  CHECK(read("\r\n\r\n").status == 400);
  CHECK(read("\r\n\r\n" + get("")).status == 400);
}

TEST_CASE("every prefix of a head wants more, and only the whole is a request") {
  const auto head = get("Accept: */*\r\nContent-Length: 0\r\n");
  for (std::size_t length = 1; length < head.size(); ++length) {
    const auto reading = read(head.substr(0, length));
    CHECK(reading.requests.empty());
    CHECK(reading.end == End::kWithinHead);
  }
  CHECK(read(head).requests.size() == 1);
}

TEST_CASE("behaviour 8: a head of so many bytes, and not one more") {
  const auto head_of = [](std::size_t bytes) {
    const auto empty = get("X: \r\n").size();
    return get("X: " + std::string(bytes - empty, 'x') + "\r\n");
  };
  const std::size_t most = 16 * 1024;
  CHECK(read(head_of(most)).requests.size() == 1);
  CHECK(read(head_of(most) + head_of(most)).requests.size() == 2);
  CHECK(read("\r\n" + head_of(most)).requests.size() == 1);
  CHECK(read(head_of(most + 1)).status == 431);
  // Known before the head ends.
  CHECK(read(head_of(most + 1).substr(0, most)).end == End::kWithinHead);
  CHECK(read(head_of(most + 1).substr(0, most + 1)).status == 431);
  CHECK(read(std::string(most + 1, 'x')).status == 431);
}

TEST_CASE("behaviour 8: a target of so many bytes, and not one more") {
  const std::size_t most = 8 * 1024;
  const auto target_of = [](std::size_t bytes) { return "GET /" + std::string(bytes - 1, 'x'); };
  const std::string rest = " HTTP/1.1\r\nHost: x\r\n\r\n";
  CHECK(read(target_of(most) + rest).requests.size() == 1);
  CHECK(read("\r\n" + target_of(most) + rest + target_of(most) + rest).requests.size() == 2);
  CHECK(read(target_of(most + 1) + rest).status == 414);
  CHECK(read(get("") + target_of(most + 1) + rest).status == 414);
  // Known before the target ends; and nothing but the target counts.
  CHECK(read(target_of(most)).end == End::kWithinHead);
  CHECK(read(target_of(most + 1)).status == 414);
  CHECK(read("GET /" + rest + get("X: a " + std::string(most, 'x') + "\r\n")).requests.size() == 2);
}

TEST_CASE("behaviour 8: limits are those that were given") {
  ScrapeLimits limits;
  limits.head_bytes = 1024 * 1024;
  limits.header_fields = 2;
  CHECK(read(get("X: " + std::string(200'000, 'x') + "\r\n"), limits).requests.size() == 1);
  CHECK(read(get(std::string(200'000, 'x') + ": x\r\n"), limits).requests.size() == 1);
  CHECK(read(get("X: y\r\nX: y\r\n"), limits).status == 431);
}

TEST_CASE("an Authorization is kept as it is, and none of two") {
  const auto authorization = [](const std::string& fields) {
    const ScrapeLimits limits;
    RequestReader reader(limits);
    reader.push("GET / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
    return std::get<http::Request>(reader.next()).authorization;
  };

  CHECK(authorization("authorization: Basic YTpi\r\n") == "Basic YTpi");
  CHECK(authorization("").empty());
  CHECK(authorization("Authorization: Basic YTpi\r\nAuthorization: Basic YTpj\r\n").empty());
}
