#include "agent/top_command.h"

#include <limits>

#include "tests/support/captured_streams.h"
#include "tests/support/catch.h"
#include "tests/support/fake_agent.h"

namespace sidemeter::test {
namespace {

using Order = TopRequest::Order;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

ListedFields family(const std::string& name, int series, int records) {
  return {{"name", name},
          {"type", "counter"},
          {"series", std::to_string(series)},
          {"idle", "0"},
          {"records", std::to_string(records)}};
}

const std::vector<ListedFields> kBefore = {family("few", 1, 100), family("many", 90, 10)};
const std::vector<ListedFields> kNow = {family("few", 1, 400), family("many", 90, 12),
                                        family("new", 2, 3)};

}  // namespace

TEST_CASE("families stand by their records a second, with what they make in all") {
  CHECK(format_top(kBefore, kNow, 2, Order::kRecords, kAll) ==
        "3 families, 93 series, 152 records/s\n"
        "FAMILY  TYPE     MODE  SERIES  IDLE  RECORDS/S  RECORDS\n"
        "few     counter             1     0        150      400\n"
        "new     counter             2     0        1.5        3\n"
        "many    counter            90     0        1.0       12\n");
}

TEST_CASE("or by their series, as many as there are lines for") {
  CHECK(format_top(kBefore, kNow, 2, Order::kSeries, 4) ==
        "3 families, 93 series, 152 records/s\n"
        "FAMILY  TYPE     MODE  SERIES  IDLE  RECORDS/S  RECORDS\n"
        "many    counter            90     0        1.0       12\n"
        "new     counter             2     0        1.5        3\n");
}

TEST_CASE("what is no terminal gets one table") {
  int asked = 0;
  FakeAgent agent([&](const std::string& line) -> std::optional<std::string> {
    if (line.starts_with("hello ")) return "hello v=1\n";
    return "family name=x type=counter series=1 idle=0 records=" + std::to_string(5 * ++asked) +
           "\nend families=1\n";
  });
  const CapturedStreams captured;

  CHECK(top({.contact = {agent.path(), 60'000}, .interval_ms = 10}, captured.streams()) == 0);
  CHECK(captured.output().starts_with("1 families, 1 series, "));
  CHECK(agent.stop() == std::vector<std::string>{"hello v=1 client=sidemeter/" SIDEMETER_VERSION
                                                 " errors=1",
                                                 "families", "families"});
}

}  // namespace sidemeter::test
