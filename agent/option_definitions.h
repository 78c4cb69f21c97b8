// The options of each command, with their defaults, ranges and help: the one place
// where an option is written down.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "agent/inquiry.h"
#include "agent/log.h"
#include "agent/option_table.h"
#include "agent/stderr_log.h"
#include "agent/top_command.h"

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

// What the commands take that speak to an agent; of `top`, what only it takes.
Table contact_options(Contact& contact);
Table top_options(TopRequest& request);

}  // namespace sidemeter
