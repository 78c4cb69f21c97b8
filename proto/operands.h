// Reads what follows the series of an update: numbers, a state, an exemplar.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "proto/limits.h"
#include "proto/record.h"
#include "proto/result.h"
#include "proto/series.h"

namespace sidemeter {

struct Observation {
  double value;        // not NaN
  double count = 1.0;  // a whole number, 1 to 2^53
};

struct Exemplar {
  std::vector<Label> labels;
  double value;
  std::optional<double> timestamp;  // seconds since the epoch
};

// One struct for all verbs, reused from record to record so that its vectors
// are allocated once. parse_operands() sets what its verb uses:
struct Operands {
  enum class GaugeOperation : std::uint8_t { kSet, kAdd };

  // c: the increment, >= 0 and finite.   g: the value, or what is added.   m: the sum.
  double value = 0;
  GaugeOperation operation = GaugeOperation::kSet;  // g
  std::vector<Observation> observations;            // h, s
  std::vector<double> counts;                       // m: whole numbers >= 0
  std::string_view state;                           // e; into the text
  std::optional<Exemplar> exemplar;                 // c and h with a single observation
};

// Reasons: kBadSyntax (too few, too many), kBadValue, kNegativeCounter, kBadLabel
// (of an exemplar). `out` is unspecified when it fails.
Status parse_operands(Verb verb, std::string_view text, const PushLimits& limits, Operands& out);

// A number: what strtod reads in the C locale, less hexadecimal; the whole of
// `word` or nothing. Reason: kBadValue.
Result<double> parse_number(std::string_view word);

}  // namespace sidemeter
