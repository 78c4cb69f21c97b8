#include "agent/http/basic_credentials.h"

#include "tests/support/catch.h"

using namespace sidemeter;
using http::BasicCredentials;
using http::parse_basic;

TEST_CASE("the example of RFC 7617, 2") {
  CHECK(parse_basic("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") ==
        BasicCredentials{"Aladdin", "open sesame"});
}

TEST_CASE("RFC 7617, 2.1: a password in UTF-8") {
  CHECK(parse_basic("Basic dGVzdDoxMjPCow==") == BasicCredentials{"test", "123\xC2\xA3"});
}

TEST_CASE("the scheme has no case, and a password may hold colons or nothing") {
  CHECK(parse_basic("bAsIc YTpiOmM=") == BasicCredentials{"a", "b:c"});
  CHECK(parse_basic("Basic  YTo=") == BasicCredentials{"a", ""});
}

TEST_CASE("what is not Basic, not base64, or not a pair is nothing") {
  for (const std::string text : {"", "Basic", "Basic ", "Bearer YTpi", "Basic YTpi=", "Basic YT pi",
                                 "Basic YTp!", "Basic YWI=", "Basic =====", "BasicYTpi"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_basic(text));
  }
}

TEST_CASE("a control character is in no name and no password (RFC 7617, 2)") {
  CHECK_FALSE(parse_basic("Basic YQA6Yg=="));  // a NUL : b
  CHECK_FALSE(parse_basic("Basic YTpiCg=="));  // a : b LF
}
