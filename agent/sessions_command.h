// `sidemeter sessions`: a table of who pushes to an agent, and what became of their records.
#pragma once

#include "agent/inquiry.h"
#include "agent/streams.h"

namespace sidemeter {

struct SessionsRequest {
  Contact contact;
};

// Answers with the exit status: 0, or 2 if the agent cannot be reached or refuses to tell.
int print_sessions(const SessionsRequest& request, const Streams& streams);

}  // namespace sidemeter
