#include "agent/http/response_head.h"

#include "tests/support/catch.h"

using namespace sidemeter;

TEST_CASE("a response head is its status line, its fields in order and an empty line") {
  std::string out = "before|";
  http::append_response_head(out, 405, {{"B", "1"}, {"A", "x y"}});
  CHECK(out == "before|HTTP/1.1 405 Method Not Allowed\r\nB: 1\r\nA: x y\r\n\r\n");
}

// RFC 9110, 15; 431 from RFC 6585, 5.
TEST_CASE("each status that is used has the reason phrase of its specification") {
  CHECK(http::reason_phrase(200) == "OK");
  CHECK(http::reason_phrase(400) == "Bad Request");
  CHECK(http::reason_phrase(405) == "Method Not Allowed");
  CHECK(http::reason_phrase(408) == "Request Timeout");
  CHECK(http::reason_phrase(413) == "Content Too Large");
  CHECK(http::reason_phrase(414) == "URI Too Long");
  CHECK(http::reason_phrase(417) == "Expectation Failed");
  CHECK(http::reason_phrase(431) == "Request Header Fields Too Large");
  CHECK(http::reason_phrase(500) == "Internal Server Error");
  CHECK(http::reason_phrase(503) == "Service Unavailable");
  CHECK(http::reason_phrase(505) == "HTTP Version Not Supported");
}

TEST_CASE("behaviour 5: the body of an error is a comment of the exposition format") {
  CHECK(http::error_body(405, "POST; use OPTIONS or GET") ==
        "# HTTP 405 Method Not Allowed: POST; use OPTIONS or GET\n");
}

// RFC 9110, 5.6.7, and the calendar as `date -u -R -d @SECONDS` has it.
TEST_CASE("a date is an IMF-fixdate") {
  CHECK(http::date(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(http::date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(http::date(1'709'164'799) == "Wed, 28 Feb 2024 23:59:59 GMT");
  CHECK(http::date(1'709'164'800) == "Thu, 29 Feb 2024 00:00:00 GMT");
}
