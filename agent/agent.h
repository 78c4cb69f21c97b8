// The agent: one loop, a registry, the ingest socket and the scrape listeners.
//
// A program that embeds it links sidemeter::agent and either runs it on its own
// thread (Agent) or lets it have one (AgentThread).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/log.h"
#include "agent/scrape_security.h"
#include "proto/limits.h"
#include "proto/result.h"

namespace sidemeter {

class Registry;

struct AgentOptions {
  // The ingest socket; its folder must exist. Empty: none.
  std::string socket_path = "/run/sidemeter/sidemeter.sock";
  std::uint32_t socket_mode = 0660;
  std::optional<std::uint32_t> socket_gid;  // unset: the process's own

  // Who may push, by peer credentials: one of these users or one of these groups; everybody
  // that may open the socket where both are empty.
  std::vector<std::uint32_t> allow_uids;
  std::vector<std::uint32_t> allow_gids;

  // IP literals with port, "127.0.0.1:9469" or "[::1]:0". Empty: 0.0.0.0:9469, and [::]:9469
  // where the machine has IPv6.
  std::vector<std::string> listen;

  // TLS and passwords on all of these; plain HTTP for everybody where neither is set.
  ScrapeSecurityOptions security;

  // Addresses of /-/healthy and /-/ready, always without TLS and passwords.
  std::vector<std::string> health_listen;

  PushLimits push;
  ScrapeLimits scrape;
  bool self_metrics = true;
  bool created_samples = false;

  // A clean end may take so long; then what is still open is cut.
  std::uint64_t shutdown_ms = 5'000;
};

// Why an agent could not be built: one line that names the file or value, what
// was found, and what was wanted.
struct StartError {
  std::string message;
};

class Agent {
 public:
  // Binds everything; nothing is served before run(). `log` must outlive the agent.
  static Result<std::unique_ptr<Agent>, StartError> start(const AgentOptions& options, Log& log);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // The scrape addresses, with the ports that were bound ("127.0.0.1:40123").
  const std::vector<std::string>& addresses() const;
  const std::vector<std::string>& health_addresses() const;

  enum class Signals { kIgnore, kHandle };

  // Serves until shutdown() or, with kHandle, SIGTERM or SIGINT (a second one ends at once);
  // SIGHUP reloads certificates.
  void run(Signals signals = Signals::kIgnore);

  // From any thread: stop accepting, finish the replies in flight, apply what the
  // ingest sockets still hold, and let run() return.
  void shutdown();

 private:
  Agent();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// An agent on a thread of its own: what Python's start_http_server() returns.
class AgentThread {
 public:
  static Result<std::unique_ptr<AgentThread>, StartError> start(const AgentOptions& options,
                                                                Log& log);
  ~AgentThread();  // shutdown() and join()

  const std::vector<std::string>& addresses() const;
  void shutdown();
  void join();

 private:
  explicit AgentThread(std::unique_ptr<Agent> agent);
  std::unique_ptr<Agent> agent_;
  std::thread thread_;
};

}  // namespace sidemeter
