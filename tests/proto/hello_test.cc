#include "proto/hello.h"

#include "proto/limits.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

Reason refusal(const std::string& text) {
  const auto hello = parse_hello(text);
  REQUIRE_FALSE(hello);
  return hello.error().reason;
}

TEST_CASE("hello says who speaks") {
  const auto hello = parse_hello(R"(v=1 pid=123 instance=web-3 client="my client" errors=1)");
  REQUIRE(hello);
  CHECK(hello->version == 1);
  CHECK(hello->pid == 123);
  CHECK(hello->instance == "web-3");
  CHECK(hello->client == "my client");
  CHECK(hello->errors == true);
  CHECK(parse_hello(""));
}

TEST_CASE("what hello does not take is refused") {
  CHECK(refusal("colour=red") == Reason::kBadSyntax);
  CHECK(refusal("web-3") == Reason::kBadSyntax);
  CHECK(refusal("v=one") == Reason::kBadVersion);
  CHECK(refusal("pid=-1") == Reason::kBadSyntax);
  CHECK(refusal("pid=") == Reason::kBadSyntax);
  CHECK(refusal("errors=yes") == Reason::kBadSyntax);
}

TEST_CASE("what a session says of itself is limited: at the limit, and one past it") {
  const std::string longest(kMaxHelloValueBytes, 'x');
  for (const std::string key : {"instance=", "client="}) {
    CHECK(parse_hello(key + longest));
    CHECK(refusal(key + longest + "x") == Reason::kBadValue);
  }
}

TEST_CASE("a sync token is one word, at most so long") {
  CHECK(parse_sync("42")->token == "42");
  CHECK_FALSE(parse_sync(""));
  CHECK_FALSE(parse_sync("a b"));
  CHECK(parse_sync(std::string(kMaxTokenBytes, 't')));
  CHECK_FALSE(parse_sync(std::string(kMaxTokenBytes + 1, 't')));
}

}  // namespace
}  // namespace sidemeter
