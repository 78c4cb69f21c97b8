// The `# WORD name …` lines that say what a family is.
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/record.h"

namespace sidemeter {

// Reads a line that begins with `#`. An unknown word makes it a comment: Nothing.
Result<Record> parse_declaration(std::string_view line, const PushLimits& limits);

// What both forms check of the parts. Reason: kBadValue, kBadSyntax.
Result<MetricType> parse_type(std::string_view word);
Result<std::vector<double>> checked_buckets(std::vector<double> bounds, const PushLimits& limits);
Result<std::vector<std::string>> checked_states(std::vector<std::string> states,
                                                const PushLimits& limits);
Result<std::string> checked_help(std::string help, const PushLimits& limits);
Result<std::string> checked_unit(std::string unit, const PushLimits& limits);

// "90s", "10m", "24h", "7d", or seconds alone; 0 is never.
Result<std::uint32_t> parse_ttl(std::string_view word);

}  // namespace sidemeter
