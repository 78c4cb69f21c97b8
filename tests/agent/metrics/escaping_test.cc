#include "agent/metrics/escaping.h"

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

// Expectations: the reference client's escape_metric_name() and escape_label_name().
TEST_CASE("a classic name stays as it is, but for dots") {
  for (const auto escaping : {Escaping::kAllowUtf8, Escaping::kUnderscores, Escaping::kValues}) {
    CHECK(escape_metric_name("a:b_total", escaping) == "a:b_total");
    CHECK(escape_label_name("code_1", escaping) == "code_1");
  }
  CHECK(escape_metric_name("a:b_total", Escaping::kDots) == "a:b__total");
  CHECK(escape_label_name("code_1", Escaping::kDots) == "code__1");
}

TEST_CASE("behaviour 21: a name that is not classic is quoted where UTF-8 is allowed") {
  CHECK(escape_metric_name("my.metric", Escaping::kAllowUtf8) == "\"my.metric\"");
  CHECK(escape_label_name("l\"\\\n", Escaping::kAllowUtf8) == "\"l\\\"\\\\\\n\"");
}

TEST_CASE("every other character becomes one underscore") {
  CHECK(escape_metric_name("my.metric", Escaping::kUnderscores) == "my_metric");
  CHECK(escape_metric_name("9lives", Escaping::kUnderscores) == "_lives");
  CHECK(escape_metric_name("caf\u00e9", Escaping::kUnderscores) == "caf_");
  CHECK(escape_label_name("a:b", Escaping::kUnderscores) == "a_b");
}

TEST_CASE("dots are spelled, underscores doubled, others two underscores") {
  CHECK(escape_metric_name("my.metric_x y", Escaping::kDots) == "my_dot_metric__x__y");
}

TEST_CASE("values are spelled as code points") {
  CHECK(escape_metric_name("my.metric_x", Escaping::kValues) == "U__my_2e_metric__x");
  CHECK(escape_metric_name("caf\u00e9", Escaping::kValues) == "U__caf_e9_");
  CHECK(escape_metric_name("\U0001F600", Escaping::kValues) == "U___1f600_");
}

}  // namespace
}  // namespace sidemeter
