#include "proto/utf8.h"

#include <string>

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

TEST_CASE("what RFC 3629 forbids is a fault, wherever it stands") {
  for (const std::string padding : {"", "a", "seven b", "eight by", "more than eight bytes"}) {
    for (const char* bad :
         {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
          "\xF5\x80\x80\x80", "\xFF", "\xE2\x82", "\xF0\x9F\x98"}) {
      CHECK(find_fault(padding + bad) == TextFault::kNotUtf8);
      CHECK(find_fault(padding + bad + padding) == TextFault::kNotUtf8);
    }
    for (const char* good :
         {"\xC3\xA9", "\xE2\x82\xAC", "\xEF\xBF\xBD", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF"}) {
      CHECK(find_fault(padding + good + padding) == TextFault::kNone);
    }
  }
}

TEST_CASE("a NUL is a fault of its own") {
  for (std::size_t at = 0; at < 20; ++at) {
    std::string text(20, 'x');
    text[at] = '\0';
    CHECK(find_fault(text) == TextFault::kNul);
  }
}

TEST_CASE("characters are counted, not bytes") {
  CHECK(count_characters("a\xC3\xA9\xF0\x9F\x98\x80") == 3);
}

}  // namespace
}  // namespace sidemeter
