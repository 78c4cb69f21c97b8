#include "agent/agent.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/client_socket.h"
#include "tests/support/temporary_folder.h"

namespace sidemeter::test {
namespace {

class Lines final : public Log {
 public:
  void write(LogLevel, std::string_view message, std::initializer_list<LogField> fields) override {
    std::string line(message);
    for (const LogField& field : fields)
      line.append(" ").append(field.key).append("=") += field.value;
    const std::lock_guard lock(mutex_);
    text_ += line + "\n";
  }

  bool hold(const std::string& text) {
    const std::lock_guard lock(mutex_);
    return text_.find(text) != std::string::npos;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

template <typename Condition>
bool until(Condition condition) {
  for (int i = 0; i < 20'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

bool ends(ClientSocket& client) {
  return until([&] {
    client.read();
    return client.ended();
  });
}

// An agent on loopback and a socket in a folder of its own.
struct House {
  House() {
    options.socket_path = folder / "s.sock";
    options.listen = {"127.0.0.1:0"};
    options.self_metrics = false;
  }

  void start() {
    auto started = AgentThread::start(options, log);
    REQUIRE(started);
    agent = *std::move(started);
  }

  ClientSocket client() const { return ClientSocket::unix_stream(options.socket_path); }

  // Sends records and waits until they have been applied.
  std::string push(const std::string& records) const {
    ClientSocket pusher = client();
    pusher.send(records + "sync done\n");
    until([&] {
      pusher.read();
      return pusher.ended() || pusher.received().find("done") != std::string::npos;
    });
    return pusher.received();
  }

  std::string scrape(const std::string& accept = "*/*") const {
    ClientSocket scraper = ClientSocket::tcp(agent->addresses().at(0));
    scraper.send("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: " + accept +
                 "\r\nConnection: close\r\n\r\n");
    ends(scraper);
    return scraper.received();
  }

  TemporaryFolder folder;
  Lines log;
  AgentOptions options;
  std::unique_ptr<AgentThread> agent;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what is pushed over the socket is scraped over TCP") {
  House house;
  house.start();

  CHECK(house.push("c jobs_total{queue=\"mail\"} 3\n") == "ok done accepted=1 rejected=0\n");

  const std::string reply = house.scrape();
  CHECK(reply.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(contains(reply, "# TYPE jobs_total counter\njobs_total{queue=\"mail\"} 3.0\n"));
}

TEST_CASE("behaviour 9: port 0 takes a free port, which is logged and returned") {
  House house;
  house.options.listen = {"127.0.0.1:0", "127.0.0.1:0"};
  house.start();

  REQUIRE(house.agent->addresses().size() == 2);
  for (const std::string& address : house.agent->addresses()) {
    CHECK(ClientSocket::tcp(address).connected());
    CHECK(house.log.hold("listening for scrapes address=" + address + "\n"));
  }
  CHECK(house.log.hold("listening for records socket=" + house.options.socket_path + "\n"));
}

TEST_CASE("1000 records and an instant close: all are counted") {
  House house;
  house.start();
  std::string records;
  for (int i = 0; i < 1'000; ++i) records += "c jobs_total\n";

  {
    ClientSocket pusher = house.client();
    REQUIRE(pusher.send(records) == records.size());
  }

  CHECK(until([&] { return contains(house.scrape(), "\njobs_total 1000.0\n"); }));
}

TEST_CASE("behaviour 10: shutdown closes idle connections, removes the socket file, and ends") {
  House house;
  house.start();
  ClientSocket idle = ClientSocket::tcp(house.agent->addresses().at(0));
  ClientSocket silent = house.client();
  house.push("c jobs_total\n");

  house.agent->shutdown();
  house.agent->join();

  CHECK(ends(idle));
  CHECK(ends(silent));
  CHECK(::access(house.options.socket_path.c_str(), F_OK) != 0);
  CHECK(house.log.hold("stopping\n"));
  CHECK(house.log.hold("stopped\n"));
  CHECK_FALSE(house.log.hold("cut"));
}

TEST_CASE("behaviour 10: shutdown finishes the reply in flight") {
  House house;
  house.start();
  std::string records;
  for (int i = 0; i < 50'000; ++i) records += "c jobs_total{n=\"" + std::to_string(i) + "\"}\n";
  ClientSocket pusher = house.client();
  records += "sync pushed\n";
  while (!records.empty()) records.erase(0, pusher.send(records));
  REQUIRE(until([&] {
    pusher.read();
    return contains(pusher.received(), "ok pushed accepted=50000 ");
  }));
  ClientSocket scraper = ClientSocket::tcp(house.agent->addresses().at(0));
  scraper.send("GET / HTTP/1.0\r\n\r\n");
  REQUIRE(until([&] {
    scraper.read();
    return !scraper.received().empty();
  }));

  house.agent->shutdown();

  REQUIRE(ends(scraper));
  CHECK(contains(scraper.received(), "jobs_total{n=\"49999\"} 1.0\n"));
}

TEST_CASE("behaviour 10: what does not end in time is cut") {
  House house;
  house.options.shutdown_ms = 1;
  house.start();
  std::string records;
  for (int i = 0; i < 50'000; ++i) {
    records += "c jobs_total{n=\"" + std::to_string(i) + std::string(100, 'x') + "\"}\n";
  }
  ClientSocket pusher = house.client();
  records += "sync pushed\n";
  while (!records.empty()) records.erase(0, pusher.send(records));
  REQUIRE(until([&] {
    pusher.read();
    return contains(pusher.received(), "ok pushed accepted=50000 ");
  }));
  ClientSocket stuck = ClientSocket::tcp(house.agent->addresses().at(0));
  for (int i = 0; i < 10; ++i) stuck.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(until([&] {
    stuck.read();
    return !stuck.received().empty();
  }));

  house.agent->shutdown();
  house.agent->join();

  CHECK(house.log.hold("connections are cut"));
}

TEST_CASE("behaviour 10: SIGTERM ends run()") {
  House house;
  auto agent = Agent::start(house.options, house.log);
  REQUIRE(agent);
  std::thread sender([&] {
    // The signal's default would end this program: it is sent when the agent listens to it.
    ClientSocket pusher = house.client();
    pusher.send("sync up\n");
    until([&] {
      pusher.read();
      return !pusher.received().empty();
    });
    ::kill(::getpid(), SIGTERM);
  });

  (*agent)->run(Agent::Signals::kHandle);

  sender.join();
  CHECK(house.log.hold("stopped\n"));
}

TEST_CASE("shutdown before run() is not lost") {
  House house;
  auto agent = Agent::start(house.options, house.log);
  REQUIRE(agent);

  (*agent)->shutdown();
  (*agent)->run();

  CHECK(house.log.hold("stopped\n"));
}

TEST_CASE("a client whose user and group are not listed is closed and logged") {
  House house;
  house.options.allow_uids = {::geteuid() + 1};
  house.options.allow_gids = {::getegid() + 1};
  house.start();

  CHECK(house.push("c jobs_total\n").empty());
  CHECK(house.log.hold("refused a client whose user and group are not allowed pid="));
}

TEST_CASE("a client is let in for its user or for its group") {
  House house;
  SECTION("user") { house.options.allow_uids = {::geteuid()}; }
  SECTION("group") { house.options.allow_gids = {::getegid()}; }
  house.start();

  CHECK(contains(house.push("c jobs_total\n"), "ok done accepted=1"));
}

TEST_CASE("behaviour 8: past the cap of connections a scraper is answered 503") {
  House house;
  house.options.scrape.connections = 1;
  house.start();
  ClientSocket first = ClientSocket::tcp(house.agent->addresses().at(0));
  first.send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(until([&] {
    first.read();
    return !first.received().empty();
  }));

  const std::string reply = house.scrape();

  CHECK(reply.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
  CHECK(contains(reply, "Connection: close\r\n"));
  CHECK(contains(reply, "\r\n\r\n# HTTP 503 Service Unavailable: "));
}

TEST_CASE("an agent that cannot listen says which address or file, and leaves nothing behind") {
  House first;
  first.start();
  House second;
  SECTION("an address in use") {
    second.options.listen = first.agent->addresses();
    const auto started = Agent::start(second.options, second.log);
    REQUIRE_FALSE(started);
    CHECK(contains(started.error().message, first.agent->addresses().at(0)));
    CHECK(::access(second.options.socket_path.c_str(), F_OK) != 0);
  }
  SECTION("a socket that answers") {
    second.options.socket_path = first.options.socket_path;
    const auto started = Agent::start(second.options, second.log);
    REQUIRE_FALSE(started);
    CHECK(contains(started.error().message, first.options.socket_path));
    CHECK(first.client().connected());
  }
}

TEST_CASE("an agent without a socket only answers scrapes") {
  House house;
  house.options.socket_path.clear();
  house.start();

  CHECK(house.scrape().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("a registry without metrics is an empty exposition, with self metrics off") {
  House house;
  house.start();

  CHECK_FALSE(contains(house.scrape(), "sidemeter_"));
}

TEST_CASE("with self metrics on, a scrape tells of the records before it") {
  House house;
  house.options.self_metrics = true;
  house.start();
  house.push("c jobs_total\nc jobs_total\nbad\n");

  const std::string reply = house.scrape("application/openmetrics-text");

  CHECK(contains(reply, "\nsidemeter_records_total{verb=\"c\"} 2.0\n"));
  CHECK(contains(reply, "\nsidemeter_records_total{verb=\"sync\"} 1.0\n"));
  CHECK(contains(reply, "\nsidemeter_scrapes_total{code=\"200\"} 0.0\n"));
  CHECK(contains(house.scrape(), "\nsidemeter_scrapes_total{code=\"200\"} 1.0\n"));
}

}  // namespace sidemeter::test
