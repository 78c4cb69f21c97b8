#include "proto/operands.h"

#include <cmath>

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

const PushLimits kLimits;

std::string refusal(Verb verb, std::string_view text) {
  Operands operands;
  const auto status = parse_operands(verb, text, kLimits, operands);
  return status ? "" : std::string(word(status.error().reason));
}

TEST_CASE("a number is what strtod reads, less hexadecimal, as a whole") {
  for (const char* word : {"0", "1", "+1", "-1", "1.", ".5", "1e5", "1E-5", "123456789",
                           "1234567890", "007", "-0.25", "9007199254740993", "1e-400", "+.5e+3"}) {
    const auto number = parse_number(word);
    REQUIRE(number);
    CHECK(*number == std::strtod(word, nullptr));
  }
  for (const char* word : {"inf", "Infinity", "+INF", "1e999"})
    CHECK(*parse_number(word) == HUGE_VAL);
  CHECK(*parse_number("-1e999") == -HUGE_VAL);
  CHECK(std::isnan(*parse_number("NaN")));
  for (const char* word : {"", "+", "-", "0x10", "1x", "1,5", "1 ", "+-1", "++1", "e5", "."}) {
    CHECK_FALSE(parse_number(word));
  }
}

TEST_CASE("a counter's increment is >= 0 and finite, 1 where none is given") {
  Operands operands;
  REQUIRE(parse_operands(Verb::kCounter, "", kLimits, operands));
  CHECK(operands.value == 1);
  CHECK(refusal(Verb::kCounter, "0") == "");
  CHECK(refusal(Verb::kCounter, "-1") == "negative_counter");
  CHECK(refusal(Verb::kCounter, "nan") == "bad_value");
  CHECK(refusal(Verb::kCounter, "1 2") == "bad_syntax");
}

TEST_CASE("a gauge is set, added to, subtracted from") {
  Operands operands;
  REQUIRE(parse_operands(Verb::kGauge, "-=2.5", kLimits, operands));
  CHECK(operands.operation == Operands::GaugeOperation::kAdd);
  CHECK(operands.value == -2.5);
  CHECK(refusal(Verb::kGauge, "") == "bad_syntax");
  CHECK(refusal(Verb::kGauge, "+= 3") == "bad_syntax");
  CHECK(refusal(Verb::kGauge, "+=") == "bad_value");
}

TEST_CASE("observations may be counted, and are never NaN") {
  Operands operands;
  REQUIRE(parse_operands(Verb::kHistogram, "0.1 2*3", kLimits, operands));
  REQUIRE(operands.observations.size() == 2);
  CHECK(operands.observations[1].value == 2);
  CHECK(operands.observations[1].count == 3);
  for (const char* bad : {"NaN", "1*0", "1*-1", "1*1.5", "1*", "*2", "1*1e300"}) {
    CHECK(refusal(Verb::kSummary, bad) == "bad_value");
  }
  CHECK(refusal(Verb::kHistogram, "") == "bad_syntax");
}

TEST_CASE("behaviour 24: an exemplar has at most 128 characters") {
  const auto exemplar = [](std::size_t value) {
    return "1 # {t=\"" + std::string(value, 'v') + "\"} 1";
  };
  CHECK(refusal(Verb::kCounter, exemplar(127)) == "");
  CHECK(refusal(Verb::kCounter, exemplar(128)) == "label_limit");
  CHECK(refusal(Verb::kHistogram, "1 2 # {t=\"v\"} 1") == "bad_syntax");
  CHECK(refusal(Verb::kCounter, "1 # {t=\"v\"}") == "bad_syntax");
  CHECK(refusal(Verb::kCounter, "1# {t=\"v\"} 1") != "");
}

TEST_CASE("blanks stand around an exemplar's parts") {
  CHECK(refusal(Verb::kCounter, "1 # {t=\"v\"} 1 2") == "");
  CHECK(refusal(Verb::kCounter, "1 #{t=\"v\"} 1") != "");
  CHECK(refusal(Verb::kCounter, "1 # {t=\"v\"}1") == "bad_syntax");
}

TEST_CASE("what takes nothing refuses something") {
  for (const auto verb : {Verb::kInfo, Verb::kRemove, Verb::kClear})
    CHECK(refusal(verb, "1") == "bad_syntax");
}

}  // namespace
}  // namespace sidemeter
