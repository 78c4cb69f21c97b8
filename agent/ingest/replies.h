// Writes what the agent answers a client (proto/PROTOCOL.md, "Replies"), in line
// form or in JSON. Every reply is one line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/limits.h"
#include "proto/record.h"
#include "proto/result.h"

namespace sidemeter {

// What became of the records since the last sync.
struct Tally {
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  std::string first;  // "line 7: counter increment must be >= 0, got -1"; empty: none
};

void append_ok(std::string& out, Form form, std::string_view token, const Tally& tally);
void append_hello(std::string& out, Form form, const PushLimits& limits);
void append_error(std::string& out, Form form, std::uint64_t line, const Error& error);

}  // namespace sidemeter
