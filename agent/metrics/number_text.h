// Prints numbers as the reference client does: the shortest text that reads
// back the same (behaviour 18).
#pragma once

#include <string>

namespace sidemeter {

// A sample value or a bucket bound: `1.0`, `0.005`, `1e+06` and up for positive
// numbers of seven digits or more, `1e-07`, `NaN`, `+Inf`, `-Inf`.
void append_number(std::string& out, double number);

// A timestamp in seconds: the same without the early exponent (`1700000000.0`).
void append_timestamp(std::string& out, double seconds);

}  // namespace sidemeter
