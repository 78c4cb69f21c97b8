// UTF-8 (RFC 3629): no overlong form, no surrogate, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

#include "proto/result.h"

namespace sidemeter {

enum class TextFault { kNone, kNotUtf8, kNul };

// Prometheus' text parser ends at a NUL, so that none may reach an exposition.
TextFault find_fault(std::string_view text);

// Whether a record may hold this text. Reasons: kBadUtf8, kBadSyntax (a NUL).
Status check_text(std::string_view text);

// Characters (code points) of valid UTF-8.
std::size_t count_characters(std::string_view text);

}  // namespace sidemeter
