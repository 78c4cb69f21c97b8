#include "agent/option_definitions.h"

#include <set>

#include "tests/support/catch.h"

using namespace sidemeter;

namespace {

// The options of serve and what they fill.
struct Serve {
  ServeRequest request;
  std::string config_path;
  Table table = serve_options(request, config_path);

  const Option& option(const std::string& flag) const {
    for (const Option& option : table.options()) {
      if (option.flag == flag) return option;
    }
    FAIL("no option " + flag);
    std::abort();
  }
  bool accepts(const std::string& flag, const std::string& text) const {
    return static_cast<bool>(option(flag).set({text}));
  }
};

struct Ends {
  const char* flag;
  const char* below;  // null where text cannot say it
  const char* least;
  const char* most;
  const char* above;
};

constexpr Ends kEnds[] = {
    {"socket-mode", nullptr, "0", "0777", "1000"},
    {"allow-uid", nullptr, "0", "4294967294", "4294967295"},
    {"allow-gid", nullptr, "0", "4294967294", "4294967295"},
    {"shutdown-timeout", nullptr, "0", "86400", "86400.001"},
    {"max-line-bytes", "63", "64", "16MiB", "16777217"},
    {"max-handles", "0", "1", "1048576", "1048577"},
    {"max-series", "0", "1", "100000000", "100000001"},
    {"max-series-per-family", "0", "1", "100000000", "100000001"},
    {"max-families", "0", "1", "1000000", "1000001"},
    {"max-labels", "0", "1", "1024", "1025"},
    {"max-label-value-bytes", "0", "1", "1MiB", "1048577"},
    {"max-name-bytes", "0", "1", "64KiB", "65537"},
    {"max-help-bytes", "0", "1", "1MiB", "1048577"},
    {"max-buckets", "0", "1", "4096", "4097"},
    {"max-states", "0", "1", "4096", "4097"},
    {"max-alias-bytes", "65535", "64KiB", "4GiB", "4294967297"},
    {"max-sessions", "0", "1", "65536", "65537"},
    {"max-reply-bytes", "4095", "4KiB", "64MiB", "67108865"},
    {"http-max-head-bytes", "255", "256", "1MiB", "1048577"},
    {"http-max-target-bytes", "63", "64", "1MiB", "1048577"},
    {"http-max-fields", "0", "1", "10000", "10001"},
    {"http-max-connections", "0", "1", "65536", "65537"},
    {"http-max-pipelined", "0", "1", "1024", "1025"},
    {"http-head-timeout", "0.009", "0.01", "86400", "86400.001"},
    {"http-idle-timeout", "0.009", "0.01", "86400", "86400.001"},
    {"http-write-timeout", "0.009", "0.01", "86400", "86400.001"},
};

}  // namespace

TEST_CASE("each number is taken at both ends of its range and not one past") {
  const Serve serve;
  for (const Ends& ends : kEnds) {
    INFO(ends.flag);
    CHECK((ends.below == nullptr || !serve.accepts(ends.flag, ends.below)));
    CHECK(serve.accepts(ends.flag, ends.least));
    CHECK(serve.accepts(ends.flag, ends.most));
    CHECK_FALSE(serve.accepts(ends.flag, ends.above));
  }
}

TEST_CASE("each option has a flag, a variable and a key of its own, and a help") {
  const Serve serve;
  std::set<std::string> flags;
  std::set<std::string> variables;
  std::set<std::string> keys;
  for (const Option& option : serve.table.options()) {
    flags.insert(option.flag);
    variables.insert(option.variable());
    keys.insert(option.key());
    CHECK_FALSE(option.help.empty());
  }
  CHECK(flags.size() == serve.table.options().size());
  CHECK(variables.size() == flags.size());
  CHECK(keys.size() == flags.size());
}

TEST_CASE("flag, variable and key are spelt alike") {
  const Serve serve;
  CHECK(serve.option("max-series").variable() == "SIDEMETER_MAX_SERIES");
  CHECK(serve.option("max-series").key() == "max_series");
  CHECK(serve.option("no-self-metrics").variable() == "SIDEMETER_NO_SELF_METRICS");
  CHECK(serve.option("no-self-metrics").key() == "self_metrics");
}

TEST_CASE("the file is the first option, for the others may stand in it") {
  CHECK(Serve().table.options().front().flag == "config");
}

TEST_CASE("a refused value leaves its field as it was") {
  const Serve serve;
  CHECK_FALSE(serve.accepts("max-series", "0"));
  CHECK(serve.request.agent.push.series == PushLimits{}.series);
}
