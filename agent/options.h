// What the command line, the environment and a configuration file ask the program for.
//
// Each option of `serve` is defined once, in option_definitions.cc. From that one definition
// come its flag, its environment variable, its key in the file, its help and its range:
//
//   --max-series 5000     SIDEMETER_MAX_SERIES=5000     { "max_series": 5000 }
//
// A flag goes before the environment, that before the file, and that before the default.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "agent/health_command.h"
#include "agent/option_definitions.h"
#include "agent/option_value.h"
#include "agent/push_command.h"
#include "agent/sessions_command.h"
#include "agent/top_command.h"

namespace sidemeter {

// The options are well; whether the certificates are is still to be seen.
struct CheckConfigRequest {
  std::vector<std::string> warnings;
  TlsSettings tls;
};

// Text that was asked for: help or the version.
struct TextRequest {
  std::string text;
};

using Request = std::variant<ServeRequest, CheckConfigRequest, PushRequest, HealthRequest,
                             SessionsRequest, TopRequest, TextRequest>;

// The variables that begin with SIDEMETER_, by name.
using Environment = std::map<std::string, std::string>;
Environment read_environment(const char* const* variables);

// `arguments` without the program's name. The error names the option, in the spelling of where it
// came from, what was found, and what was wanted; without a subcommand it is the help.
Parsed<Request> parse_options(const std::vector<std::string>& arguments,
                              const Environment& environment);

}  // namespace sidemeter
