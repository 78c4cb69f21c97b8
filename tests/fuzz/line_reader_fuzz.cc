// A reader that is fed in pieces finds the same lines as one that is fed whole.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "proto/line_reader.h"

namespace {

std::vector<std::string> lines(std::string_view bytes, std::size_t piece) {
  sidemeter::LineReader reader(64);
  std::vector<std::string> found;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.push(bytes.substr(at, piece));
    for (auto line = reader.next(); line.kind != sidemeter::Line::kNone; line = reader.next()) {
      found.push_back(std::to_string(line.kind) + std::string(line.text));
    }
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  if (lines(bytes, bytes.size()) != lines(bytes, 1u + data[0] % 16u)) std::abort();
  return 0;
}
