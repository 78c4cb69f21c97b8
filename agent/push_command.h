// `sidemeter push`: sends records from its arguments or from standard input and tells which were
// refused.
//
//   hello v=1 client=sidemeter-push/0.1.0 errors=1      ours
//   c jobs_total 1                                      the user's line 1
//   sync sidemeter-5f0c…                                ours: all before it has been applied
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/streams.h"

namespace sidemeter {

struct PushRequest {
  std::string socket_path;
  std::uint64_t timeout_ms = 10'000;  // without any sign of the agent
  std::vector<std::string> records;   // without LF; none: what `input` gives
};

// Answers with the exit status: 0, 1 if a record was refused, 2 if the agent cannot be reached or
// closes early. Replies that the user's own `hello` and `sync` asked for go to `output`, refusals
// to `errors`, each a line.
int push(const PushRequest& request, const Streams& streams);

}  // namespace sidemeter
