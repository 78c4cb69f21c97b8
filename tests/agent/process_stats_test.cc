#include "agent/process_stats.h"

#include <ctime>

#include "tests/support/catch.h"

namespace sidemeter::test {

TEST_CASE("the process is read from the kernel") {
  const ProcessStats stats = read_process_stats();

  CHECK(stats.resident_bytes >= 1'000'000);
  CHECK(stats.virtual_bytes >= stats.resident_bytes);
  CHECK(stats.start_time_seconds > 1'000'000'000);
  CHECK(stats.start_time_seconds <= static_cast<double>(std::time(nullptr)) + 1);
  CHECK(stats.open_fds >= 3);
  CHECK(stats.max_fds >= stats.open_fds);
  CHECK(stats.cpu_seconds >= 0);
}

}  // namespace sidemeter::test
