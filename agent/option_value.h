// Reads the values of options from text, the same from a flag, the environment or a file. What
// cannot be read answers with what was wanted and what was found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/result.h"

namespace sidemeter {

struct OptionsError {
  std::string message;  // one line
};

template <typename T>
using Parsed = Result<T, OptionsError>;

// `expected a whole number from 1 to 5, got "6"`
OptionsError wanted(std::string_view what, std::string_view found);

struct Range {
  std::uint64_t least;
  std::uint64_t most;

  std::string text() const { return std::to_string(least) + " to " + std::to_string(most); }
};

// Digits only, of `base`, the whole of `text`.
std::optional<std::uint64_t> parse_digits(std::string_view text, int base = 10);

Parsed<std::uint64_t> parse_count(std::string_view text, Range range);

// 65536, 64KiB, 16MiB, 1GiB
Parsed<std::uint64_t> parse_bytes(std::string_view text, Range range);

// Seconds with decimals ("2.5"), as milliseconds. The range is in milliseconds too.
Parsed<std::uint64_t> parse_seconds(std::string_view text, Range range_ms);

// An IP literal with a port: "127.0.0.1:9469", "[::1]:0".
bool is_listen_address(std::string_view text);

// Looks a name up in a file shaped as group(5), without the NSS of the system: a static
// program has none.
std::optional<std::uint32_t> find_group(const std::string& name, const char* file);

}  // namespace sidemeter
