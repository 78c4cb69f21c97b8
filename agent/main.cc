// The program `sidemeter`. Exit status: 2 for options that cannot be understood, 1 for an agent
// that cannot start; of the other commands, see their headers.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <iterator>
#include <variant>

#include "agent/agent.h"
#include "agent/net/signals.h"
#include "agent/options.h"
#include "agent/tls/tls_context.h"

namespace sidemeter {
namespace {

int complain(const std::string& words) {
  std::fprintf(stderr, "sidemeter: %s\n", words.c_str());
  return 1;
}

int run(const ServeRequest& request) {
  StderrLog log(request.log_format, request.log_level);
  for (const std::string& warning : request.warnings) log.write(LogLevel::kWarning, warning);
  // Whoever finds the socket may end the agent in good order, though it does not run yet.
  Signals::hold();
  const auto agent = Agent::start(request.agent, log);
  if (!agent) return complain(agent.error().message);
  (*agent)->run(Agent::Signals::kHandle);
  return 0;
}

int run(const CheckConfigRequest& request) {
  for (const std::string& warning : request.warnings) complain("warning: " + warning);
  if (request.tls.enabled()) {
    const auto built = TlsContext::build(request.tls, read_material(request.tls));
    if (!built) return complain(built.error().message);
  }
  std::puts("configuration is valid");
  return 0;
}

int run(const PushRequest& request) { return push(request, Streams{}); }

int run(const HealthRequest& request) {
  const auto illness = find_illness(request);
  return illness ? complain(*illness) : 0;
}

int run(const SessionsRequest& request) { return print_sessions(request, Streams{}); }

int run(const TopRequest& request) { return top(request, Streams{}); }

int run(const TextRequest& request) {
  std::fputs(request.text.c_str(), stdout);
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  // A peer that has gone is an error of a write, not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  const auto request = parse_options(arguments, read_environment(environ));
  if (!request) {
    if (arguments.empty()) {
      std::fputs(request.error().message.c_str(), stderr);
    } else {
      complain(request.error().message);
    }
    return 2;
  }
  return std::visit([](const auto& command) { return run(command); }, *request);
}

}  // namespace
}  // namespace sidemeter

int main(int argc, char** argv) { return sidemeter::run({argv + (argc > 0 ? 1 : 0), argv + argc}); }
