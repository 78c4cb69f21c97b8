#include "agent/options.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/support/catch.h"

using namespace sidemeter;

namespace {

using Words = std::vector<std::string>;

ServeRequest serve(Words arguments, const Environment& environment = {}) {
  arguments.insert(arguments.begin(), "serve");
  const auto request = parse_options(arguments, environment);
  INFO((request ? "" : request.error().message));
  REQUIRE(request);
  REQUIRE(std::holds_alternative<ServeRequest>(*request));
  return std::get<ServeRequest>(*request);
}

std::string error(const Words& arguments, const Environment& environment = {}) {
  const auto request = parse_options(arguments, environment);
  REQUIRE_FALSE(request);
  return request.error().message;
}

template <typename Wanted>
Wanted read(const Words& arguments, const Environment& environment = {}) {
  const auto request = parse_options(arguments, environment);
  INFO((request ? "" : request.error().message));
  REQUIRE(request);
  REQUIRE(std::holds_alternative<Wanted>(*request));
  return std::get<Wanted>(*request);
}

class File {
 public:
  explicit File(const std::string& text) {
    close(mkstemp(path_.data()));
    std::ofstream(path_) << text;
  }
  ~File() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/sidemeter-options-XXXXXX";
};

std::string help() { return read<TextRequest>({"serve", "--help"}).text; }

Words flags() {
  const std::string text = help();
  const std::regex flag("--([a-z-]+)");
  Words found;
  for (std::sregex_iterator at(text.begin(), text.end(), flag), end; at != end; ++at) {
    if ((*at)[1] != "help") found.push_back((*at)[1]);
  }
  return found;
}

}  // namespace

TEST_CASE("without options, everything is as its header says") {
  const ServeRequest request = serve({});
  CHECK(request.agent.socket_path == "/run/sidemeter/sidemeter.sock");
  CHECK(request.agent.socket_mode == 0660);
  CHECK_FALSE(request.agent.socket_gid);
  CHECK(request.agent.listen.empty());
  CHECK(request.agent.push.line_bytes == 65'536);
  CHECK(request.agent.push.series == 100'000);
  CHECK(request.agent.scrape.idle_timeout_ms == 120'000);
  CHECK(request.agent.self_metrics);
  CHECK_FALSE(request.agent.created_samples);
  CHECK(request.agent.shutdown_ms == 5'000);
  CHECK(request.log_format == LogFormat::kLogfmt);
  CHECK(request.log_level == LogLevel::kInfo);
  CHECK(request.warnings.empty());
}

TEST_CASE("each flag sets its field") {
  const ServeRequest request = serve({"--socket",
                                      "/s",
                                      "--socket-mode",
                                      "0600",
                                      "--socket-group",
                                      "0",
                                      "--allow-uid",
                                      "1",
                                      "--allow-uid",
                                      "2",
                                      "--allow-gid=3",
                                      "--listen",
                                      "127.0.0.1:0",
                                      "--listen",
                                      "[::1]:9469",
                                      "--no-self-metrics",
                                      "--created-samples",
                                      "--log-format",
                                      "json",
                                      "--log-level",
                                      "debug",
                                      "--shutdown-timeout",
                                      "1.5"});
  CHECK(request.agent.socket_path == "/s");
  CHECK(request.agent.socket_mode == 0600);
  CHECK(request.agent.socket_gid == 0U);
  CHECK(request.agent.allow_uids == std::vector<std::uint32_t>{1, 2});
  CHECK(request.agent.allow_gids == std::vector<std::uint32_t>{3});
  CHECK(request.agent.listen == Words{"127.0.0.1:0", "[::1]:9469"});
  CHECK_FALSE(request.agent.self_metrics);
  CHECK(request.agent.created_samples);
  CHECK(request.log_format == LogFormat::kJson);
  CHECK(request.log_level == LogLevel::kDebug);
  CHECK(request.agent.shutdown_ms == 1'500);
}

TEST_CASE("each limit on pushing has its flag") {
  const PushLimits limits = serve({"--max-line-bytes",
                                   "4KiB",
                                   "--max-handles",
                                   "2",
                                   "--max-series",
                                   "3",
                                   "--max-series-per-family",
                                   "4",
                                   "--max-families",
                                   "5",
                                   "--max-labels",
                                   "6",
                                   "--max-label-value-bytes",
                                   "7",
                                   "--max-name-bytes",
                                   "8",
                                   "--max-help-bytes",
                                   "9",
                                   "--max-buckets",
                                   "10",
                                   "--max-states",
                                   "11",
                                   "--max-alias-bytes",
                                   "1GiB",
                                   "--max-sessions",
                                   "13",
                                   "--max-reply-bytes",
                                   "2MiB"})
                                .agent.push;
  CHECK(limits.line_bytes == 4'096);
  CHECK(limits.handles_per_session == 2);
  CHECK(limits.series == 3);
  CHECK(limits.series_per_family == 4);
  CHECK(limits.families == 5);
  CHECK(limits.labels_per_series == 6);
  CHECK(limits.label_value_bytes == 7);
  CHECK(limits.name_bytes == 8);
  CHECK(limits.help_bytes == 9);
  CHECK(limits.buckets_per_histogram == 10);
  CHECK(limits.states_per_stateset == 11);
  CHECK(limits.alias_bytes == 1024ULL * 1024 * 1024);
  CHECK(limits.sessions == 13);
  CHECK(limits.reply_bytes == 2ULL * 1024 * 1024);
}

TEST_CASE("each limit on scraping has its flag") {
  const ScrapeLimits limits =
      serve({"--http-max-head-bytes", "300", "--http-max-target-bytes", "100", "--http-max-fields",
             "3", "--http-max-connections", "4", "--http-max-pipelined", "5", "--http-head-timeout",
             "6", "--http-idle-timeout", "0.25", "--http-write-timeout", "8"})
          .agent.scrape;
  CHECK(limits.head_bytes == 300);
  CHECK(limits.target_bytes == 100);
  CHECK(limits.header_fields == 3);
  CHECK(limits.connections == 4);
  CHECK(limits.pipelined_requests == 5);
  CHECK(limits.head_deadline_ms == 6'000);
  CHECK(limits.idle_timeout_ms == 250);
  CHECK(limits.write_stall_ms == 8'000);
}

TEST_CASE("the limit of a family follows the limit in all, unless it is set") {
  CHECK(serve({"--max-series", "5"}).agent.push.series_per_family == 5);
  CHECK(serve({"--max-series", "5", "--max-series-per-family", "2"}).agent.push.series_per_family ==
        2);
}

TEST_CASE("each option can be set in the environment") {
  const ServeRequest request = serve({}, {{"SIDEMETER_SOCKET", "/e"},
                                          {"SIDEMETER_MAX_SERIES", "7"},
                                          {"SIDEMETER_NO_SELF_METRICS", "1"},
                                          {"SIDEMETER_CREATED_SAMPLES", "true"},
                                          {"SIDEMETER_ALLOW_UID", "1,2"},
                                          {"SIDEMETER_LISTEN", "127.0.0.1:1,[::1]:2"}});
  CHECK(request.agent.socket_path == "/e");
  CHECK(request.agent.push.series == 7);
  CHECK_FALSE(request.agent.self_metrics);
  CHECK(request.agent.created_samples);
  CHECK(request.agent.allow_uids == std::vector<std::uint32_t>{1, 2});
  CHECK(request.agent.listen == Words{"127.0.0.1:1", "[::1]:2"});
}

TEST_CASE("each option can be set in the file") {
  const File file(R"({"socket": "/f", "socket_mode": "0640", "max_series": 7,
    "max_line_bytes": "1KiB", "self_metrics": false, "created_samples": true,
    "allow_gid": [4, "5"], "listen": ["127.0.0.1:1"], "shutdown_timeout": 0.5,
    "log_format": "json", "socket_group": 12})");
  for (const bool by_flag : {true, false}) {
    const ServeRequest request =
        by_flag ? serve({"--config", file.path()}) : serve({}, {{"SIDEMETER_CONFIG", file.path()}});
    CHECK(request.agent.socket_path == "/f");
    CHECK(request.agent.socket_mode == 0640);
    CHECK(request.agent.push.series == 7);
    CHECK(request.agent.push.line_bytes == 1'024);
    CHECK_FALSE(request.agent.self_metrics);
    CHECK(request.agent.created_samples);
    CHECK(request.agent.allow_gids == std::vector<std::uint32_t>{4, 5});
    CHECK(request.agent.listen == Words{"127.0.0.1:1"});
    CHECK(request.agent.shutdown_ms == 500);
    CHECK(request.log_format == LogFormat::kJson);
    CHECK(request.agent.socket_gid == 12U);
  }
}

TEST_CASE("a flag goes before the environment, and that before the file") {
  const File file(
      R"({"max_series": 1, "max_families": 1, "max_labels": 1, "self_metrics": false})");
  const Environment environment = {{"SIDEMETER_MAX_SERIES", "2"}, {"SIDEMETER_MAX_FAMILIES", "2"}};
  const ServeRequest request =
      serve({"--config", file.path(), "--max-series", "3", "--no-self-metrics=false"}, environment);
  CHECK(request.agent.push.series == 3);
  CHECK(request.agent.push.families == 2);
  CHECK(request.agent.push.labels_per_series == 1);
  CHECK(request.agent.self_metrics);
}

TEST_CASE("of a flag given twice the last counts") {
  CHECK(serve({"--max-series", "1", "--max-series", "2"}).agent.push.series == 2);
}

TEST_CASE("an empty variable is as good as none") {
  CHECK(serve({}, {{"SIDEMETER_MAX_SERIES", ""}}).agent.push.series == 100'000);
  CHECK(serve({}, {{"SIDEMETER_SOCKET", ""}}).agent.socket_path == AgentOptions{}.socket_path);
}

TEST_CASE("an empty flag --socket means no ingest socket") {
  CHECK(serve({"--socket", ""}).agent.socket_path.empty());
}

TEST_CASE("a variable that is no option is worth a warning") {
  const ServeRequest request =
      serve({}, {{"SIDEMETER_MAX_SERIE", "1"}, {"SIDEMETER_COLOUR", "red"}});
  CHECK(request.warnings == Words{"SIDEMETER_COLOUR is no option",
                                  "SIDEMETER_MAX_SERIE is no option (did you mean "
                                  "SIDEMETER_MAX_SERIES?)"});
}

TEST_CASE("what Kubernetes sets for a Service of our name is no option and no fault") {
  CHECK(serve({}, {{"SIDEMETER_PORT", "tcp://10.0.0.1:9469"},
                   {"SIDEMETER_PORT_9469_TCP_ADDR", "10.0.0.1"},
                   {"SIDEMETER_SERVICE_HOST", "10.0.0.1"}})
            .warnings.empty());
}

TEST_CASE("an error names the option as it was spelt, what was found, and what was wanted") {
  const std::string wanted = R"(: expected a whole number from 1 to 100000000, got "many")";
  CHECK(error({"serve", "--max-series", "many"}) == "--max-series" + wanted);
  CHECK(error({"serve"}, {{"SIDEMETER_MAX_SERIES", "many"}}) == "SIDEMETER_MAX_SERIES" + wanted);
  const File file("{\n  \"max_series\": \"many\"\n}");
  CHECK(error({"serve", "--config", file.path()}) == file.path() + ":2: max_series" + wanted);
}

TEST_CASE("an address that is none is refused with an example of one") {
  CHECK(error({"serve", "--listen", "localhost:1"}) ==
        "--listen: expected an IP address with a port, as 127.0.0.1:9469 or [::1]:9469, got "
        "\"localhost:1\"");
}

TEST_CASE("a socket path has room in its address") {
  CHECK(serve({"--socket", std::string(107, 'a')}).agent.socket_path.size() == 107);
  error({"serve", "--socket", std::string(108, 'a')});
}

TEST_CASE("a group is found by its name") {
  CHECK(serve({"--socket-group", "root"}).agent.socket_gid == 0U);
  CHECK(error({"serve", "--socket-group", "nobody-is-here"}) ==
        R"(--socket-group: expected a number or a group of /etc/group, got "nobody-is-here")");
}

TEST_CASE("a key of the wrong kind is refused with its place") {
  const File text("{\n\"listen\": \"127.0.0.1:1\"}");
  CHECK(error({"serve", "--config", text.path()}) ==
        text.path() + ":2: listen: expected a list, got a text");
  const File number(R"({"self_metrics": 0})");
  CHECK(error({"serve", "--config", number.path()}) ==
        number.path() + ":1: self_metrics: expected true or false, got a number");
  const File octal(R"({"socket_mode": 660})");
  CHECK(error({"serve", "--config", octal.path()}) ==
        octal.path() + ":1: socket_mode: expected a text, got a number");
}

TEST_CASE("the file does not name another file") {
  const File file(R"({"config": "x"})");
  CHECK(error({"serve", "--config", file.path()}) == file.path() + R"(:1: unknown key "config")");
}

TEST_CASE("unknown flags and commands are refused in one line") {
  for (const Words& words :
       {Words{"serve", "--max-serie", "1"}, Words{"launch"}, Words{"serve", "extra"},
        Words{"serve", "--max-series"}, Words{"serve", "push"}, Words{"push", "--loud"},
        Words{"health", "now"}}) {
    const std::string message = error(words);
    INFO(message);
    CHECK_FALSE(message.empty());
    CHECK(message.find('\n') == std::string::npos);
  }
}

TEST_CASE("check-config reads the same options") {
  CHECK(read<CheckConfigRequest>({"check-config", "--max-series", "5"}).warnings.empty());
  CHECK(error({"check-config", "--max-series", "x"}).starts_with("--max-series: "));
  CHECK(error({"check-config"}, {{"SIDEMETER_LISTEN", "x"}}).starts_with("SIDEMETER_LISTEN: "));
}

TEST_CASE("push takes records as they are") {
  const Words records = {"# TYPE a counter", "@7 c a{b=\"c d\"}", "[{\"counter\":\"a\"},1]",
                         "{\"sync\":\"1\"}", "version",           "serve"};
  Words arguments = {"push", "--socket", "/s", "--timeout", "0.5"};
  arguments.insert(arguments.end(), records.begin(), records.end());
  const PushRequest request = read<PushRequest>(arguments);
  CHECK(request.socket_path == "/s");
  CHECK(request.timeout_ms == 500);
  CHECK(request.records == records);
}

TEST_CASE("push and health find the socket where serve does") {
  CHECK(read<PushRequest>({"push"}).socket_path == AgentOptions{}.socket_path);
  CHECK(read<PushRequest>({"push"}).timeout_ms == 10'000);
  CHECK(read<HealthRequest>({"health"}).timeout_ms == 2'000);
  CHECK(read<HealthRequest>({"health"}, {{"SIDEMETER_SOCKET", "/e"}}).socket_path == "/e");
  CHECK(read<PushRequest>({"push", "--socket", "/s"}, {{"SIDEMETER_SOCKET", "/e"}}).socket_path ==
        "/s");
}

TEST_CASE("sessions and top reach an agent as push does, and top has a manner") {
  CHECK(read<SessionsRequest>({"sessions", "--socket", "/s"}).contact.socket_path == "/s");
  CHECK(read<SessionsRequest>({"sessions"}).contact.timeout_ms == 10'000);
  const auto top = read<TopRequest>({"top", "--interval", "0.5", "--by", "series", "--once"},
                                    {{"SIDEMETER_SOCKET", "/e"}});
  CHECK(top.contact.socket_path == "/e");
  CHECK(top.interval_ms == 500);
  CHECK(top.order == TopRequest::Order::kSeries);
  CHECK(top.times == TopRequest::Times::kOnce);
  CHECK(read<TopRequest>({"top"}).times == TopRequest::Times::kWhileTerminal);
  CHECK(error({"top", "--by", "name"}) == "--by: expected records|series, got \"name\"");
}

TEST_CASE("limits of a part are, unless they are said, those of the whole") {
  const auto push = read<ServeRequest>({"serve", "--max-series", "7", "--max-sessions", "5"});
  CHECK(push.agent.push.series_per_family == 7);
  CHECK(push.agent.push.series_per_session == 7);
  CHECK(push.agent.push.sessions_per_uid == 5);
  const auto said = read<ServeRequest>({"serve", "--max-series", "7", "--session-series-limit", "3",
                                        "--max-sessions", "5", "--max-sessions-per-uid", "2"});
  CHECK(said.agent.push.series_per_session == 3);
  CHECK(said.agent.push.sessions_per_uid == 2);
}

TEST_CASE("a record of two lines is refused") {
  CHECK(error({"push", "c a\nc b"}) ==
        "push: expected one record an argument, got one with a newline");
}

TEST_CASE("help and version are texts, and no command at all is an error with the help") {
  CHECK(read<TextRequest>({"version"}).text == "sidemeter " SIDEMETER_VERSION "\n");
  for (const char* command :
       {"serve", "push", "health", "sessions", "top", "check-config", "version"}) {
    CHECK(read<TextRequest>({"--help"}).text.find(command) != std::string::npos);
    CHECK(read<TextRequest>({command, "--help"}).text.find("--help") != std::string::npos);
    CHECK(error({}).find(command) != std::string::npos);
  }
}

TEST_CASE("the help of serve names each option once") {
  Words found = flags();
  CHECK(found.size() >= 34);
  // The helps of --allow-uid, of --max-series-per-family and --session-series-limit, and of
  // --max-sessions-per-uid speak of these.
  for (const char* spoken_of : {"allow-gid", "max-series", "max-sessions"}) {
    std::erase(found, spoken_of);
  }
  std::sort(found.begin(), found.end());
  CHECK(std::adjacent_find(found.begin(), found.end()) == found.end());
}

TEST_CASE("the README's table names each option") {
  std::ifstream file(SIDEMETER_ROOT "/README.md");
  std::stringstream readme;
  readme << file.rdbuf();
  for (const std::string& flag : flags()) {
    INFO(flag);
    CHECK(readme.str().find("`--" + flag) != std::string::npos);
  }
}

TEST_CASE("only variables with our prefix are read") {
  const char* const variables[] = {"PATH=/bin", "SIDEMETER_A=b=c", "SIDEMETER_E=", "SIDEMETER",
                                   nullptr};
  CHECK(read_environment(variables) == Environment{{"SIDEMETER_A", "b=c"}, {"SIDEMETER_E", ""}});
}
