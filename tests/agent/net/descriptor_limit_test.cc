#include "agent/net/descriptor_limit.h"

#include <sys/resource.h>

#include "tests/support/catch.h"

namespace sidemeter::test {

TEST_CASE("the limit of open files is raised toward the hard one, and never lowered") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit low = before;
  low.rlim_cur = 64;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);

  CHECK(raise_descriptor_limit(10) == 64);
  CHECK(raise_descriptor_limit(65) == 65);
  CHECK(raise_descriptor_limit(before.rlim_max + 1) == before.rlim_max);

  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace sidemeter::test
