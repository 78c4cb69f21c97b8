#include "agent/metrics/number_text.h"

#include <cmath>
#include <limits>

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

std::string number(double value) {
  std::string out;
  append_number(out, value);
  return out;
}

std::string timestamp(double seconds) {
  std::string out;
  append_timestamp(out, seconds);
  return out;
}

// Each pair was printed by the reference client's floatToGoString().
TEST_CASE("behaviour 18: numbers are printed as the reference prints them") {
  CHECK(number(0) == "0.0");
  CHECK(number(-0.0) == "-0.0");
  CHECK(number(1) == "1.0");
  CHECK(number(0.1) == "0.1");
  CHECK(number(0.0001) == "0.0001");
  CHECK(number(0.00001) == "1e-05");
  CHECK(number(1.5e-7) == "1.5e-07");
  CHECK(number(123456.7) == "123456.7");
  CHECK(number(999999) == "999999.0");
  CHECK(number(1000000) == "1e+06");
  CHECK(number(1234567) == "1.234567e+06");
  CHECK(number(10000000.5) == "1.00000005e+07");
  CHECK(number(1e15) == "1e+15");
  CHECK(number(1e16) == "1e+16");
  CHECK(number(1e17) == "1e+17");
  CHECK(number(1e300) == "1e+300");
  CHECK(number(1e-300) == "1e-300");
  CHECK(number(-1234567) == "-1234567.0");
  CHECK(number(-12345678.5) == "-12345678.5");
  CHECK(number(-1e16) == "-1e+16");
  CHECK(number(std::numeric_limits<double>::quiet_NaN()) == "NaN");
  CHECK(number(HUGE_VAL) == "+Inf");
  CHECK(number(-HUGE_VAL) == "-Inf");
}

TEST_CASE("a timestamp is printed as Python's repr prints it") {
  CHECK(timestamp(1700000000.0) == "1700000000.0");
  CHECK(timestamp(1700000000.125) == "1700000000.125");
  CHECK(timestamp(1e16) == "1e+16");
}

TEST_CASE("what is printed reads back the same") {
  for (double value = 1e-9; value < 1e20; value *= 3.7) {
    CHECK(std::stod(number(value)) == value);
    CHECK(std::stod(number(-value)) == -value);
  }
}

}  // namespace
}  // namespace sidemeter
