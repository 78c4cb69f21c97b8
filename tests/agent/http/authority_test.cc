#include "agent/http/authority.h"

#include "tests/support/catch.h"

using sidemeter::http::is_authority;

// RFC 3986, 3.2.2 and 3.2.3.
TEST_CASE("a host is a name or an address, with a port at most") {
  for (const auto* text : {"x",
                           "example.com",
                           "a-b_c.~d",
                           "EXAMPLE",
                           "x.",
                           "127.0.0.1",
                           "x:80",
                           "x:0",
                           "x:65535",
                           "x:",
                           "a%20b",
                           "%41",
                           "!$&'()*+;=",
                           "[::]",
                           "[::1]",
                           "[::1]:9469",
                           "[fe80::1:2]",
                           "[1:2:3:4:5:6:7:8]",
                           "[1:2:3:4:5:6:7::]",
                           "[::2:3:4:5:6:7:8]",
                           "[1::8]",
                           "[ABCD::ef01]",
                           "[::ffff:10.0.0.1]",
                           "[1:2:3:4:5:6:10.0.0.1]"}) {
    INFO(text);
    CHECK(is_authority(text));
  }
}

TEST_CASE("a host that two readers could understand differently is refused") {
  for (const auto* text :
       {"",      ":",      ":80",         "u@x",   "u:p@x", "x,y",     "x y",      " x",
        "x ",    "x\t",    "x/",          "x/y",   "x?y",   "x#y",     "x\\y",     "http://x",
        "x:1:2", "x:http", "x:-1",        "x:+1",  "x: 1",  "x:65536", "x:000080", "%",
        "%4",    "a%zzb",  "caf\xc3\xa9", "\"x\"", "<x>",   "::1"}) {
    INFO(text);
    CHECK_FALSE(is_authority(text));
  }
}

TEST_CASE("an address in brackets is a whole IPv6 address") {
  for (const auto* text : {"[",
                           "]",
                           "[]",
                           "[::1",
                           "::1]",
                           "[:]",
                           "[:::]",
                           "[1]",
                           "[1:2]",
                           "[1:2:3:4:5:6:7]",
                           "[1:2:3:4:5:6:7:8:9]",
                           "[1:2:3:4:5:6:7:8::]",
                           "[::1:2:3:4:5:6:7:8]",
                           "[1::2::3]",
                           "[1:]",
                           "[:1]",
                           "[12345::]",
                           "[g::]",
                           "[::1%25eth0]",
                           "[::1]x",
                           "[::1]80",
                           "[::1]:x",
                           "[[::1]]",
                           "[127.0.0.1]",
                           "[::256.0.0.1]",
                           "[::1.2.3]",
                           "[::1.2.3.4.5]",
                           "[::01.2.3.4]",
                           "[1.2.3.4::]",
                           "[v1.x]",
                           "[::1]:65536",
                           "x[::1]"}) {
    INFO(text);
    CHECK_FALSE(is_authority(text));
  }
}
