#include "agent/metrics/number_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace sidemeter {
namespace {

// 1234.5 is the digits "12345" and the exponent 3.
struct Decimal {
  std::array<char, 24> digits;
  std::size_t count = 0;
  int exponent = 0;
};

Decimal decompose(double magnitude) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), magnitude,
                                 std::chars_format::scientific)
                       .ptr;
  Decimal decimal;
  const char* at = text.data();
  for (; *at != 'e'; ++at) {
    if (*at != '.') decimal.digits[decimal.count++] = *at;
  }
  ++at;
  if (*at == '+') ++at;
  std::from_chars(at, end, decimal.exponent);
  return decimal;
}

void append_exponent(std::string& out, const Decimal& decimal) {
  out += decimal.digits[0];
  if (decimal.count > 1) {
    out += '.';
    out.append(decimal.digits.data() + 1, decimal.count - 1);
  }
  out += decimal.exponent < 0 ? "e-" : "e+";
  const int magnitude = std::abs(decimal.exponent);
  if (magnitude < 10) out += '0';
  out += std::to_string(magnitude);
}

void append_fixed(std::string& out, const Decimal& decimal) {
  const std::string_view digits(decimal.digits.data(), decimal.count);
  if (decimal.exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-decimal.exponent - 1), '0');
    out += digits;
    return;
  }
  const auto whole = static_cast<std::size_t>(decimal.exponent) + 1;
  if (digits.size() <= whole) {
    out += digits;
    out.append(whole - digits.size(), '0');
    out += ".0";
    return;
  }
  out += digits.substr(0, whole);
  out += '.';
  out += digits.substr(whole);
}

// From this power of ten on a positive number is written with an exponent.
void append(std::string& out, double number, int first_exponent) {
  if (std::isnan(number)) {
    out += "NaN";
    return;
  }
  if (std::isinf(number)) {
    out += number > 0 ? "+Inf" : "-Inf";
    return;
  }
  if (std::signbit(number)) out += '-';
  if (number == 0) {
    out += "0.0";
    return;
  }
  const Decimal decimal = decompose(std::fabs(number));
  const bool fixed = decimal.exponent >= -4 && decimal.exponent < first_exponent;
  fixed ? append_fixed(out, decimal) : append_exponent(out, decimal);
}

// Python's repr() turns to exponents at 1e16, Go's %g at 1e6 with seven digits; the reference
// follows Go for positive numbers only.
constexpr int kPythonExponent = 16;
constexpr int kGoExponent = 6;

}  // namespace

void append_number(std::string& out, double number) {
  // Most samples are small whole numbers.
  if (number >= 1 && number < 1e6 && number == std::trunc(number)) {
    std::array<char, 8> text;
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), static_cast<unsigned>(number)).ptr;
    out.append(text.data(), end);
    out += ".0";
    return;
  }
  append(out, number, number > 0 ? kGoExponent : kPythonExponent);
}

void append_timestamp(std::string& out, double seconds) { append(out, seconds, kPythonExponent); }

}  // namespace sidemeter
