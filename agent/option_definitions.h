// The options of each command, with their defaults, ranges and help: the one place
// where an option is written down.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "agent/log.h"
#include "agent/option_table.h"
#include "agent/stderr_log.h"

namespace sidemeter {

struct ServeRequest {
  AgentOptions agent;
  LogFormat log_format = LogFormat::kLogfmt;
  LogLevel log_level = LogLevel::kInfo;
  std::vector<std::string> warnings;  // what is probably not meant, but no reason to stay away
};

// `request` and `config_path` must outlive the table, which fills them. --config comes first:
// what it names is read before the others.
Table serve_options(ServeRequest& request, std::string& config_path);

// What the commands take that speak to an agent.
struct Peer {
  std::string socket_path = AgentOptions{}.socket_path;
  std::uint64_t timeout_ms;
};

Table peer_options(Peer& peer);

}  // namespace sidemeter
