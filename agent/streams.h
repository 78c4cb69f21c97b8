// Where a command reads and writes: descriptors, so that a test can bring its own.
#pragma once

#include <string>
#include <string_view>

namespace sidemeter {

struct Streams {
  int input = 0;
  int output = 1;
  int errors = 2;
};

// All of it, or as much as the descriptor takes before it fails.
void write_text(int descriptor, std::string_view text);

// Writes "sidemeter: WORDS" to the errors; answers with exit status 2.
int complain(const Streams& streams, std::string_view words);

}  // namespace sidemeter
