#include "agent/agent.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "agent/admission.h"
#include "agent/ingest/ingest_session.h"
#include "agent/metrics/registry.h"
#include "agent/net/descriptor_limit.h"
#include "agent/net/listener.h"
#include "agent/net/loop.h"
#include "agent/net/signals.h"
#include "agent/net/socket_file.h"
#include "agent/net/tcp_socket.h"
#include "agent/net/timer.h"
#include "agent/scrape/health_session.h"
#include "agent/scrape/reply.h"
#include "agent/scrape/scrape_session.h"
#include "agent/self_metrics.h"
#include "agent/tls_metrics.h"

namespace sidemeter {
namespace {

// How often it is looked which series are idle; and when a look has not seen them all.
constexpr std::uint64_t kSweepMs = 1'000;
constexpr std::uint64_t kSweepMoreMs = 10;

// While stopping: how often it is looked whether all is done.
constexpr std::uint64_t kDrainMs = 10;

// Descriptors beside the two caps: the loop's, the listeners', refused ones that hear
// why, standard streams, and some for an embedding program.
constexpr std::uint64_t kOtherDescriptors = 192;

double seconds_since_epoch() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

double monotonic_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

// The embedding program's signals are for its own threads.
void run_beside(Agent& agent) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  agent.run();
}

}  // namespace

// In the order of building; destruction runs backwards, and the loop goes when
// all that was opened on it has.
struct Agent::Parts {
  Parts(const AgentOptions& given, Log& log_to, std::unique_ptr<Loop> opened)
      : options(given), log(log_to), loop(std::move(opened)) {}

  std::optional<StartError> open();
  std::optional<NetError> listen_for_records();
  std::optional<NetError> listen_for_scrapes(const std::string& address);
  std::optional<NetError> listen_for_probes(const std::string& address);
  void raise_limits();
  std::size_t sessions_of(std::uint32_t uid) const;
  void before_scrape();
  void sweep();
  ConnectionOptions http_deadlines() const;
  ListenerDoor door(std::function<std::unique_ptr<Session>(const Peer&)> open_session);
  void begin_stop();
  void drain();
  void on_signal();

  const AgentOptions options;
  Log& log;
  const std::unique_ptr<Loop> loop;
  Registry registry{options.push, seconds_since_epoch};
  IngestRoom ingest{
      .registry = registry, .limits = options.push, .now = monotonic_seconds, .owner = ::geteuid()};
  ScrapeRoom scrape{
      .registry = registry,
      .limits = options.scrape,
      .options = {options.created_samples ? CreatedSamples::kOn : CreatedSamples::kOff},
      .stats = {},
      .now = monotonic_seconds};
  Admission admission{{options.allow_uids, options.allow_gids, options.push.sessions_per_uid},
                      log,
                      [this](std::uint32_t uid) { return sessions_of(uid); },
                      [this] { return loop->now_ms(); }};
  HealthRoom health{options.scrape, [this] { return !stopping; }};
  ListenerStats sessions;
  ListenerStats scrape_connections;
  ListenerStats probes;
  std::unique_ptr<ScrapeSecurity> security;
  std::unique_ptr<SelfMetrics> self_metrics;
  std::unique_ptr<SocketFile> socket_file;
  std::vector<std::string> addresses;
  std::vector<std::string> health_addresses;
  std::vector<std::unique_ptr<Listener>> listeners;
  Listener* record_listener = nullptr;  // one of them
  Timer sweep_timer{*loop, [this] { sweep(); }};
  Timer drain_timer{*loop, [this] { drain(); }};
  Timer deadline{*loop, [this] {
                   log.write(LogLevel::kWarning, "connections are cut, shutdown took too long");
                   loop->stop();
                 }};
  bool stopping = false;
};

std::optional<StartError> Agent::Parts::open() {
  raise_limits();
  auto secured = ScrapeSecurity::open(options.security, *loop, log);
  if (!secured) return StartError{secured.error().message};
  security = *std::move(secured);
  scrape.gate = security->gate();
  if (options.self_metrics) {
    self_metrics = std::make_unique<SelfMetrics>(
        registry,
        SelfSources{ingest.stats, scrape.stats, sessions, scrape_connections, options.push,
                    options.scrape, [this] { return loop->lag_seconds(); }});
    if (security->has_tls()) {
      add_tls_metrics(*self_metrics, *security, options.security.limits);
    }
  }
  scrape.before_scrape = [this] { before_scrape(); };
  sweep();
  loop->on_wake([this] { begin_stop(); });

  std::vector<std::string> wanted = options.listen;
  if (wanted.empty()) wanted.push_back("0.0.0.0:9469");
  if (options.listen.empty() && has_ipv6()) wanted.push_back("[::]:9469");
  for (const std::string& address : wanted) {
    if (const auto error = listen_for_scrapes(address)) return StartError{error->message};
  }
  for (const std::string& address : options.health_listen) {
    if (const auto error = listen_for_probes(address)) return StartError{error->message};
  }
  // The socket file last: whoever finds it finds an agent that serves.
  if (options.socket_path.empty()) return std::nullopt;
  if (const auto error = listen_for_records()) return StartError{error->message};
  return std::nullopt;
}

void Agent::Parts::raise_limits() {
  const std::uint64_t wanted =
      options.push.sessions + options.scrape.connections + kOtherDescriptors;
  const std::uint64_t limit = raise_descriptor_limit(wanted);
  if (limit >= wanted) return;
  log.write(LogLevel::kWarning,
            "the limit of open files is lower than the caps of connections need",
            {{"limit", std::to_string(limit)}, {"wanted", std::to_string(wanted)}});
}

ListenerDoor Agent::Parts::door(std::function<std::unique_ptr<Session>(const Peer&)> open_session) {
  ListenerDoor door;
  door.open_session = std::move(open_session);
  door.warn = [this](std::string_view sentence, std::string cause) {
    log.write(LogLevel::kWarning, sentence, {{"cause", std::move(cause)}});
  };
  return door;
}

std::optional<NetError> Agent::Parts::listen_for_records() {
  auto file = SocketFile::listen(options.socket_path, options.socket_mode, options.socket_gid);
  if (!file) return file.error();
  socket_file = *std::move(file);

  // No deadline: a client may keep silent for days, and its next record counts.
  ListenerOptions how{.max_connections = options.push.sessions, .connection = {}};
  how.connection.turn_bytes = options.push.turn_bytes;
  how.connection.pending_bytes = options.push.reply_bytes;
  how.connection.full = ConnectionOptions::Full::kClose;
  ListenerDoor records = door([this](const Peer& peer) {
    return std::make_unique<IngestSession>(ingest, peer.pid, peer.uid);
  });
  records.admit = [this](const Peer& peer) { return admission.judge(peer); };
  listeners.push_back(std::make_unique<Listener>(*loop, socket_file->take(), Transport::kUnix, how,
                                                 std::move(records), sessions));
  record_listener = listeners.back().get();
  log.write(LogLevel::kInfo, "listening for records", {{"socket", options.socket_path}});
  return std::nullopt;
}

ConnectionOptions Agent::Parts::http_deadlines() const {
  ConnectionOptions deadlines;
  deadlines.idle_ms = options.scrape.idle_timeout_ms;
  deadlines.partial_ms = options.scrape.head_deadline_ms;
  deadlines.write_stall_ms = options.scrape.write_stall_ms;
  return deadlines;
}

std::optional<NetError> Agent::Parts::listen_for_scrapes(const std::string& address) {
  auto bound = listen_tcp(address);
  if (!bound) return bound.error();

  ListenerOptions how{.max_connections = options.scrape.connections,
                      .connection = http_deadlines()};
  ListenerDoor scrapes =
      door([this](const Peer&) { return security->wrap(std::make_unique<ScrapeSession>(scrape)); });
  if (security->has_tls()) {
    how.connection.opening_ms = options.security.limits.handshake_deadline_ms;
    how.max_opening = options.security.limits.handshakes;
  } else {
    scrapes.no_room = last_words(503, "too many connections");
  }
  listeners.push_back(std::make_unique<Listener>(*loop, std::move(bound->socket), Transport::kTcp,
                                                 how, std::move(scrapes), scrape_connections));
  addresses.push_back(bound->address);
  log.write(LogLevel::kInfo, "listening for scrapes", {{"address", bound->address}});
  return std::nullopt;
}

std::optional<NetError> Agent::Parts::listen_for_probes(const std::string& address) {
  auto bound = listen_tcp(address);
  if (!bound) return bound.error();
  const ListenerOptions how{.max_connections = kMaxHealthConnections,
                            .connection = http_deadlines()};
  listeners.push_back(std::make_unique<Listener>(
      *loop, std::move(bound->socket), Transport::kTcp, how,
      door([this](const Peer&) { return std::make_unique<HealthSession>(health); }), probes));
  health_addresses.push_back(bound->address);
  log.write(LogLevel::kInfo, "listening for probes", {{"address", bound->address}});
  return std::nullopt;
}

std::size_t Agent::Parts::sessions_of(std::uint32_t uid) const {
  const auto count =
      std::count_if(ingest.sessions.begin(), ingest.sessions.end(),
                    [uid](const auto& session) { return session.second->about().uid == uid; });
  return static_cast<std::size_t>(count);
}

// Whoever has died before a scrape began is not in it, whatever it left unread.
void Agent::Parts::before_scrape() {
  if (record_listener != nullptr) record_listener->read_closed();
  if (self_metrics) self_metrics->update();
}

void Agent::Parts::sweep() {
  const auto swept = registry.sweep(loop->now_ms() / 1000);
  sweep_timer.start(swept == Registry::Sweep::kMore ? kSweepMoreMs : kSweepMs);
}

void Agent::Parts::begin_stop() {
  if (std::exchange(stopping, true)) return;
  log.write(LogLevel::kInfo, "stopping");
  if (socket_file) socket_file->remove();
  deadline.start(options.shutdown_ms);
  drain_timer.start(0, kDrainMs);
}

void Agent::Parts::drain() {
  bool done = true;
  for (const auto& listener : listeners) {
    listener->drain();
    done = done && listener->is_drained();
  }
  if (done) loop->stop();
}

void Agent::Parts::on_signal() {
  if (stopping) return loop->stop();
  begin_stop();
}

Agent::Agent() = default;
Agent::~Agent() = default;

Result<std::unique_ptr<Agent>, StartError> Agent::start(const AgentOptions& options, Log& log) {
  auto loop = Loop::open();
  if (!loop) return StartError{loop.error().message};
  std::unique_ptr<Agent> agent(new Agent);
  agent->parts_ = std::make_unique<Parts>(options, log, *std::move(loop));
  if (auto error = agent->parts_->open()) return *std::move(error);
  return agent;
}

const std::vector<std::string>& Agent::addresses() const { return parts_->addresses; }

const std::vector<std::string>& Agent::health_addresses() const { return parts_->health_addresses; }

void Agent::run(Signals signals) {
  std::optional<sidemeter::Signals> watch;
  if (signals == Signals::kHandle) {
    watch.emplace(
        *parts_->loop, [this] { parts_->on_signal(); }, [this] { parts_->security->reload(); });
  }
  parts_->loop->run();
  // What did not drain in time is cut here, not when the agent is destroyed.
  parts_->drain_timer.stop();
  parts_->deadline.stop();
  parts_->record_listener = nullptr;
  parts_->listeners.clear();
  parts_->log.write(LogLevel::kInfo, "stopped");
}

void Agent::shutdown() { parts_->loop->wake(); }

Result<std::unique_ptr<AgentThread>, StartError> AgentThread::start(const AgentOptions& options,
                                                                    Log& log) {
  auto agent = Agent::start(options, log);
  if (!agent) return agent.error();
  std::unique_ptr<AgentThread> owner(new AgentThread(*std::move(agent)));
  try {
    owner->thread_ = std::thread([running = owner->agent_.get()] { run_beside(*running); });
  } catch (const std::system_error& error) {
    return StartError{std::string("cannot start a thread: ") + error.what()};
  }
  return owner;
}

AgentThread::AgentThread(std::unique_ptr<Agent> agent) : agent_(std::move(agent)) {}

AgentThread::~AgentThread() {
  shutdown();
  join();
}

const std::vector<std::string>& AgentThread::addresses() const { return agent_->addresses(); }

void AgentThread::shutdown() { agent_->shutdown(); }

void AgentThread::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace sidemeter
