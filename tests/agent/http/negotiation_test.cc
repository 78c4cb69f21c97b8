#include "agent/http/negotiation.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

using namespace sidemeter;

namespace {

const std::string kOpen = "application/openmetrics-text";
const std::string kOpenType = kOpen + "; version=1.0.0; charset=utf-8";
const std::string kText004 = "text/plain; version=0.0.4; charset=utf-8";
const std::string kText100 = "text/plain; version=1.0.0; charset=utf-8; escaping=";

std::string answer(const std::string& accept) {
  INFO(accept);
  return http::content_type(http::negotiate(accept));
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("behaviour 12: what Prometheus asks for is OpenMetrics 1.0.0") {
  CHECK(answer("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
               "application/openmetrics-text;version=0.0.1;q=0.5,"
               "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
               "text/plain;version=0.0.4;q=0.3,*/*;q=0.2") == kOpenType + "; escaping=allow-utf-8");
  CHECK(answer("application/openmetrics-text;version=1.0.0,"
               "application/openmetrics-text;version=0.0.1;q=0.75,"
               "text/plain;version=0.0.4;q=0.5,*/*;q=0.1") == kOpenType + "; escaping=underscores");
  CHECK(answer("application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,"
               "*/*;q=0.1") == kOpenType);
}

TEST_CASE("behaviour 12: with nothing acceptable the answer is text 0.0.4") {
  for (const auto* accept : {"", " ", "text/html", "application/json", "*/*;q=0", "text/plain;q=0",
                             "text/plain;version=0.0.3", "nonsense", "/", "*", ",,;;,=,"}) {
    CHECK(answer(accept) == kText004);
  }
}

TEST_CASE("behaviour 12: a wildcard leaves the choice to us, text 0.0.4 first") {
  CHECK(answer("*/*") == kText004);
  CHECK(answer("text/*") == kText004);
  CHECK(answer("application/*") == kOpenType);
  CHECK(answer("text/html, */*;q=0.1") == kText004);
  CHECK(answer("*/*;version=1.0.0;escaping=dots") == kText004);
}

TEST_CASE("behaviour 12: the higher quality goes first, and of equal ones the earlier") {
  CHECK(answer("text/plain;q=0.5," + kOpen + ";q=0.501") == kOpenType);
  CHECK(answer("text/plain;q=0.501," + kOpen + ";q=0.5") == kText004);
  CHECK(answer("*/*;q=0.9, " + kOpen) == kOpenType);
  CHECK(answer(kOpen + ";q=0.5, text/plain;q=0.5") == kOpenType);
  CHECK(answer("text/plain;q=0.5, " + kOpen + ";q=0.5") == kText004);
  CHECK(answer("text/plain;Q=1.000, " + kOpen) == kText004);
}

TEST_CASE("behaviour 12: q=0 excludes what is asked for no more precisely") {
  CHECK(answer("text/plain;q=0, */*") == kOpenType);
  CHECK(answer("text/*;q=0, */*") == kOpenType);
  CHECK(answer("*/*;q=0, " + kOpen) == kOpenType);
  CHECK(answer("text/plain;version=0.0.4;q=0, text/plain") == kText100 + "underscores");
  CHECK(answer("text/plain;q=0.0, text/plain;version=1.0.0") == kText100 + "underscores");
  CHECK(answer(kOpen + ";q=0, text/plain;version=1.0.0;q=0.1") == kText100 + "underscores");
  CHECK(answer(kOpen + ";q=0, application/*, text/plain;q=0.1") == kText004);
  // 0.0.1 is never sent, so without it nothing is lost.
  CHECK(answer(kOpen + ";version=0.0.1;q=0, " + kOpen + ";version=1.0.0") ==
        kOpenType + "; escaping=underscores");
}

TEST_CASE("behaviour 12: a bad element is skipped") {
  for (const auto* quality : {"", "abc", "2", "1.1", "1.001", "-1", "-0", "+1", "1e0", ".5",
                              "0.1234", "0,5", "NaN", "inf", "0..5", "\"x\""}) {
    CHECK(answer(kOpen + ";q=" + quality + ", text/plain;version=1.0.0;q=0.1") ==
          kText100 + "underscores");
  }
  for (const auto* version : {"x", "1.x", "x.1", "1.", ".1", "1..0", "-1", "+1.0", "1.0.0-rc"}) {
    CHECK(answer(kOpen + ";version=" + version + ", text/plain;version=1.0.0;q=0.1") ==
          kText100 + "underscores");
  }
  CHECK(answer("garbage, ;, =, " + kOpen) == kOpenType);
}

TEST_CASE("behaviour 12: case does not matter, and values may be quoted") {
  CHECK(answer("APPLICATION/OpenMetrics-Text; VERSION=1.0.0; Escaping=DOTS") ==
        kOpenType + "; escaping=dots");
  CHECK(answer(kOpen + ";version=\"1.0.0\";escaping=\"values\";q=\"0.5\"") ==
        kOpenType + "; escaping=values");
  CHECK(answer("a/b;c=\"d, " + kOpen + ", e\", text/plain;version=1.0.0") ==
        kText100 + "underscores");
  CHECK(answer("a/b;c=\"d\\\", e\", " + kOpen) == kOpenType);
  CHECK(answer(kOpen + ";version=\"1.\\0.0\"") == kOpenType + "; escaping=underscores");
  CHECK(answer(" \t" + kOpen + " \t; \tversion=1.0.0 ; escaping=dots\t ") ==
        kOpenType + "; escaping=dots");
}

TEST_CASE("behaviour 13: the reply names the escaping where the request named 1.0.0 or above") {
  for (const auto* scheme : {"allow-utf-8", "underscores", "dots", "values"}) {
    const auto asked = std::string(";escaping=") + scheme;
    CHECK(answer(kOpen + ";version=1.0.0" + asked) == kOpenType + "; escaping=" + scheme);
    CHECK(answer("text/plain;version=1.0.0" + asked) == kText100 + scheme);
    CHECK(answer("text/plain" + asked + ";version=1.0.0") == kText100 + scheme);
    CHECK(answer(kOpen + asked) == kOpenType);
    CHECK(answer(kOpen + ";version=0.0.1" + asked) == kOpenType);
    CHECK(answer("text/plain;version=0.0.4" + asked) == kText004);
    CHECK(http::negotiate(kOpen + asked).escaping == Escaping::kUnderscores);
    CHECK(http::negotiate("text/plain;version=0.0.4" + asked).escaping == Escaping::kUnderscores);
  }
  for (const auto* scheme : {"", ";escaping", ";escaping=", ";escaping=leet", ";escaping=allow"}) {
    CHECK(answer(kOpen + ";version=1.0.0" + scheme) == kOpenType + "; escaping=underscores");
  }
  for (const auto* version : {"1", "1.0", "1.0.1", "1.5", "2.0.0"}) {
    CHECK(answer(kOpen + ";version=" + version) == kOpenType + "; escaping=underscores");
    CHECK(answer(std::string("text/plain;version=") + version) == kText100 + "underscores");
  }
}

// Content-Types that choose_encoder() of the Python client 0.26.0 gives for headers without q,
// where it has none of the faults that behaviour 12 repairs.
TEST_CASE("behaviour 12: without quality the choice is the reference's") {
  const struct {
    std::string accept, type;
  } kCases[] = {
      {"text/plain", kText004},
      {"text/plain; version=0.0.4", kText004},
      {"text/plain; version=1.0.0", kText100 + "underscores"},
      {"text/plain; version=1.0.0; escaping=values", kText100 + "values"},
      {kOpen, kOpenType},
      {kOpen + ";escaping=dots", kOpenType},
      {kOpen + "; version=1.0.0", kOpenType + "; escaping=underscores"},
      {kOpen + "; version=1.0.0; escaping=allow-utf-8", kOpenType + "; escaping=allow-utf-8"},
      {kOpen + "; escaping=dots; version=1.0.0", kOpenType + "; escaping=dots"},
      {kOpen + "; version=1.0.0; escaping=nonsense", kOpenType + "; escaping=underscores"},
      {"text/html, " + kOpen, kOpenType},
      {kOpen + ";version=1.0.0,text/plain;version=1.0.0", kOpenType + "; escaping=underscores"},
      {"text/plain;version=1.0.0," + kOpen + ";version=1.0.0", kText100 + "underscores"},
      {"*/*", kText004},
      {"text/html", kText004},
      {"", kText004},
  };
  for (const auto& test : kCases) CHECK(answer(test.accept) == test.type);
}

// RFC 9110, 12.5.3.
TEST_CASE("behaviour 14: gzip is used where it is accepted") {
  for (const auto* accept :
       {"gzip", "GZip", "x-gzip", "deflate, gzip", "*", "gzip;q=0.001", "br;q=1, gzip;q=0.1",
        "*;q=0, gzip", " gzip ; q=1.000 ", "identity;q=0.5, *;q=0.2"}) {
    INFO(accept);
    CHECK(http::accepts_gzip(accept));
  }
  for (const auto* accept :
       {"", " ", "identity", "deflate, br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *",
        "*, gzip;q=0", "gzipped", "not gzip", "gzip;q=bad", "gzip;q=2", "x;y=gzip", "\"gzip\""}) {
    INFO(accept);
    CHECK_FALSE(http::accepts_gzip(accept));
  }
}

TEST_CASE("behaviour 11: name[] may be given many times, encoded or not") {
  CHECK(http::parse_target("/?name[]=a&x=y&name[]=b_total").names == Names{"a", "b_total"});
  CHECK(http::parse_target("/?name%5B%5D=a&n%61me%5b%5d=b").names == Names{"a", "b"});
  CHECK(http::parse_target("/m?name[]=my%2Emetric&name[]=%c3%a4").names == Names{"my.metric", "ä"});
  CHECK(http::parse_target("http://h/?name[]=a").names == Names{"a"});
  CHECK(http::parse_target("http://h?name[]=a").names == Names{"a"});
  CHECK(http::parse_target("/?name[]=a?b=c").names == Names{"a?b=c"});
}

// Each as urllib.parse.parse_qs() of Python 3.11 has it.
TEST_CASE("behaviour 11: the query is read as the reference reads it") {
  CHECK(http::parse_target("/?name[]=a+b").names == Names{"a b"});
  CHECK(http::parse_target("/?name[]=a;name[]=b").names == Names{"a;name[]=b"});
  CHECK(http::parse_target("/?name[]=%zz%4&name[]=%").names == Names{"%zz%4", "%"});
  CHECK(http::parse_target("/?name[]=%%41").names == Names{"%A"});
  CHECK(http::parse_target("/?name[]=a=b").names == Names{"a=b"});
  CHECK(http::parse_target("/?&&name[]=a&").names == Names{"a"});
  CHECK(http::parse_target("/?name[]=%20").names == Names{" "});
  CHECK(http::parse_target("/?name=a&Name[]=b&name[]x=c&xname[]=d").names == Names{});
}

TEST_CASE("behaviour 11: a blank name is ignored, and alone it filters nothing") {
  for (const auto* target : {"/", "/?", "/?name[]", "/?name[]=", "/?name[]=&name%5B%5D=", "*",
                             "http://h", "/?name=a", "/name[]=a"}) {
    INFO(target);
    CHECK_FALSE(http::parse_target(target).filters);
    CHECK(http::parse_target(target).names.empty());
  }
  CHECK(http::parse_target("/?name[]=&name[]=a").filters);
  CHECK(http::parse_target("/?name[]=&name[]=a").names == Names{"a"});
}

TEST_CASE("behaviour 1: a path stands before the query, in an absolute target after the host") {
  CHECK(http::parse_target("/a/b?c/d").path == "/a/b");
  CHECK(http::parse_target("/").path == "/");
  CHECK(http::parse_target("HTTP://h:1/favicon.ico?x").path == "/favicon.ico");
  CHECK(http::parse_target("/a://b").path == "/a://b");
  CHECK(http::parse_target("http://h?/favicon.ico").path.empty());
}
