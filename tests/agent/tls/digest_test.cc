#include "agent/tls/digest.h"

#include "tests/support/catch.h"

namespace sidemeter::test {

TEST_CASE("the same secret has the same digest under one key, and another under another") {
  const auto one = Digest::make();
  const auto other = Digest::make();
  REQUIRE(one);
  REQUIRE(other);

  CHECK(one->of("secret").size() == 32);
  CHECK(one->of("secret") == one->of("secret"));
  CHECK(one->of("secret") != one->of("secret "));
  CHECK(one->of("secret") != other->of("secret"));
}

}  // namespace sidemeter::test
