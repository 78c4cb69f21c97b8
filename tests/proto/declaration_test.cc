#include "proto/declaration.h"

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

const PushLimits kLimits;

Declaration read(std::string_view line) {
  const auto record = parse_declaration(line, kLimits);
  REQUIRE(record);
  return std::get<Declaration>(*record);
}

std::string refusal(const std::string& line) {
  const auto record = parse_declaration(line, kLimits);
  return record ? "" : std::string(word(record.error().reason));
}

TEST_CASE("each declaration says one thing of a family") {
  CHECK(read("# TYPE x histogram").type == MetricType::kHistogram);
  CHECK(read("# TYPE x untyped").type == MetricType::kUnknown);
  CHECK(read(R"(# HELP x a \\ b \n c)").help == "a \\ b \n c");
  CHECK(read("# UNIT x seconds").unit == "seconds");
  CHECK(read("# BUCKETS x 0.01 0.1 1 +Inf").buckets == std::vector<double>{0.01, 0.1, 1});
  CHECK(read("# MODE x last").mode == GaugeMode{});
  CHECK(read("# STATES x a b").states == std::vector<std::string>{"a", "b"});
  CHECK(read("# TYPE \"my.metric\" gauge").name == "my.metric");
  CHECK(read("# TYPE {\"my.metric\"} gauge").name == "my.metric");
}

TEST_CASE("a HELP text may begin with a brace") {
  CHECK(read("# HELP x {a} b").name == "x");
  CHECK(read("# HELP x {a} b").help == "{a} b");
  CHECK(read("# HELP {\"my.metric\"} {a} b").help == "{a} b");
  CHECK(read("# HELP x").help == "");
  CHECK(refusal("# TYPE x{a=\"b\"} gauge") == "bad_syntax");
}

TEST_CASE("an unknown word makes a comment") {
  for (const char* line : {"#", "# EOF", "# anything else", "#TYPE x gauge", "# type x gauge"}) {
    const auto record = parse_declaration(line, kLimits);
    REQUIRE(record);
    CHECK(std::holds_alternative<Nothing>(*record));
  }
}

TEST_CASE("behaviour 23: bounds rise strictly") {
  for (const char* line :
       {"# BUCKETS x 1 1", "# BUCKETS x 2 1", "# BUCKETS x NaN", "# BUCKETS x +Inf"}) {
    CHECK(refusal(line) == "bad_value");
  }
}

TEST_CASE("a time to live is seconds, minutes, hours or days, and at most ten years") {
  CHECK(read("# TTL x 0").ttl_seconds == 0);
  CHECK(read("# TTL x 90").ttl_seconds == 90);
  CHECK(read("# TTL x 90s").ttl_seconds == 90);
  CHECK(read("# TTL x 10m").ttl_seconds == 600);
  CHECK(read("# TTL x 2h").ttl_seconds == 7'200);
  CHECK(read("# TTL x 3650d").ttl_seconds == kMaxTtlSeconds);
  for (const char* word : {"3651d", "315360001", "-1", "1.5h", "m", "10 m", "10ms", "", "1w",
                           "99999999999999999999"}) {
    CAPTURE(word);
    CHECK_FALSE(refusal("# TTL x " + std::string(word)).empty());
  }
}

TEST_CASE("buckets and states are limited: at the limit, and one past it") {
  std::string buckets = "# BUCKETS x";
  std::string states = "# STATES x";
  for (int i = 0; i < 128; ++i) {
    buckets += " " + std::to_string(i);
    states += " s" + std::to_string(i);
  }
  CHECK(refusal(buckets) == "");
  CHECK(refusal(buckets + " 1000") == "bad_value");
  CHECK(refusal(states) == "");
  CHECK(refusal(states + " more") == "bad_value");
  CHECK(refusal("# HELP x " + std::string(4096, 'h')) == "");
  CHECK(refusal("# HELP x " + std::string(4097, 'h')) == "bad_value");
}

TEST_CASE("a declaration without its parts is refused") {
  for (const char* line : {"# TYPE", "# TYPE x", "# TYPE x gauge gauge", "# UNIT x"}) {
    CHECK(refusal(line) == "bad_syntax");
  }
  CHECK(refusal("# TYPE 9x gauge") == "bad_name");
}

}  // namespace
}  // namespace sidemeter
