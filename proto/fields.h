// KEY=VALUE words: what `hello` takes, and what listings are written in.
//
//   instance=web-3 client="my client"
//                         ^ quoted where a value holds a blank, a quote or a backslash, or is empty
#pragma once

#include <string>
#include <string_view>

#include "proto/result.h"

namespace sidemeter {

struct Field {
  std::string key;
  std::string value;  // unescaped
};

// Takes the first field off `text`, with the blanks behind it. Reason: kBadSyntax.
Result<Field> take_field(std::string_view& text);

// Writes " key=value", quoted where it has to be.
void append_field(std::string& out, std::string_view key, std::string_view value);

}  // namespace sidemeter
