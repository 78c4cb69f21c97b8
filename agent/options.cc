#include "agent/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "agent/config_file.h"
#include "agent/tls_options.h"
#include "agent/version.h"

namespace sidemeter {
namespace {

using Kind = Option::Kind;

// Values as one source gives them, and that source's name for the option.
struct Given {
  std::vector<std::string> values;
  std::string origin;  // "--max-series", "SIDEMETER_MAX_SERIES", "sidemeter.json:7: max_series"
};

std::optional<Given> from_flag(const Option& option, const CLI::App& command) {
  const std::string flag = "--" + option.flag;
  const auto& values = command.get_option(flag)->results();
  if (values.empty()) return std::nullopt;
  return Given{values, flag};
}

std::optional<Given> from_environment(const Option& option, const Environment& environment) {
  const auto found = environment.find(option.variable());
  if (found == environment.end() || found->second.empty()) return std::nullopt;
  if (option.kind != Kind::kList) return Given{{found->second}, found->first};
  return Given{CLI::detail::split(found->second, ','), found->first};
}

Parsed<Given> from_entry(const Option& option, const ConfigEntry& entry, const std::string& file) {
  const std::string origin = file + ":" + std::to_string(entry.line) + ": " + entry.key;
  const bool number_as_text = option.kind == Kind::kNumber && entry.kind == Kind::kText;
  const bool group_number = option.flag == "socket-group" && entry.kind == Kind::kNumber;
  if (entry.kind != option.kind && !number_as_text && !group_number) {
    return OptionsError{origin + ": expected " + std::string(word(option.kind)) + ", got " +
                        std::string(word(entry.kind))};
  }
  if (!option.turns_off()) return Given{entry.values, origin};
  return Given{{entry.values.back() == "true" ? "false" : "true"}, origin};
}

// The option's own key, or its key in a section.
Parsed<std::optional<Given>> from_entries(const Option& option,
                                          const std::vector<ConfigEntry>& entries,
                                          const std::string& file) {
  std::optional<Given> given;
  for (const ConfigEntry& entry : entries) {
    if (entry.key != option.key() && entry.key != option.section_key) continue;
    auto read = from_entry(option, entry, file);
    if (!read) return read.error();
    if (given) return OptionsError{read->origin + ": is here twice, first as " + given->origin};
    given = *std::move(read);
  }
  return given;
}

Parsed<Done> apply(const Option& option, const Given& given) {
  const auto set = option.set(given.values);
  if (!set) return OptionsError{given.origin + ": " + set.error().message};
  return Done{};
}

Parsed<std::vector<ConfigEntry>> read_entries(const Table& table, const std::string& path) {
  if (path.empty()) return std::vector<ConfigEntry>{};
  std::vector<std::string> keys;
  for (const Option& option : table.options()) {
    if (option.flag != "config") keys.push_back(option.key());
    if (!option.section_key.empty()) keys.push_back(option.section_key);
  }
  keys.push_back(std::string(kUsersSection) + ".*");
  const auto text = read_config_file(path);
  if (!text) return text.error();
  return parse_config(*text, path, keys);
}

// Kubernetes sets SIDEMETER_PORT, SIDEMETER_SERVICE_HOST, … where a Service has our name.
std::vector<std::string> find_unknown(const Table& table, const Environment& environment) {
  std::vector<std::string> known;
  for (const Option& option : table.options()) {
    known.push_back(option.variable().substr(Option::kPrefix.size()));
  }
  std::vector<std::string> warnings;
  for (const auto& [variable, value] : environment) {
    const std::string name = variable.substr(Option::kPrefix.size());
    if (name.starts_with("PORT") || name.starts_with("SERVICE_")) continue;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string near = nearest_word(name, known);
    warnings.push_back(variable + " is no option");
    if (!near.empty()) {
      warnings.back() += " (did you mean " + std::string(Option::kPrefix) + near + "?)";
    }
  }
  return warnings;
}

// From all sources, the nearest first.
Parsed<ServeRequest> read_serve(const CLI::App& command, const Environment& environment) {
  ServeRequest request;
  std::string config_path;
  const Table table = serve_options(request, config_path);
  std::optional<std::vector<ConfigEntry>> entries;
  std::set<std::string> given_flags;

  for (const Option& option : table.options()) {
    auto given = from_flag(option, command);
    if (!given) given = from_environment(option, environment);
    if (!given && entries) {
      auto read = from_entries(option, *entries, config_path);
      if (!read) return read.error();
      given = *std::move(read);
    }
    if (given) {
      if (const auto applied = apply(option, *given); !applied) return applied.error();
      given_flags.insert(option.flag);
    }
    if (option.flag != "config") continue;
    auto read = read_entries(table, config_path);
    if (!read) return read.error();
    entries = *std::move(read);
  }
  // A limit of a part is, unless it is said, that of the whole.
  auto& push = request.agent.push;
  if (!given_flags.contains("max-series-per-family")) push.series_per_family = push.series;
  if (!given_flags.contains("session-series-limit")) push.series_per_session = push.series;
  if (!given_flags.contains("max-sessions-per-uid")) push.sessions_per_uid = push.sessions;
  request.warnings = find_unknown(table, environment);
  if (entries) {
    auto users = read_users(*entries, config_path);
    if (!users) return users.error();
    request.agent.security.users = *std::move(users);
  }
  if (const auto checked = check_settings(request.agent.security.tls); !checked) {
    return OptionsError{checked.error().message};
  }
  return request;
}

// The socket may be said in the environment, as it is for serve.
Parsed<Done> read_flags(const Table& table, const CLI::App& command,
                        const Environment& environment) {
  for (const Option& option : table.options()) {
    auto given = from_flag(option, command);
    if (!given && option.flag == "socket") given = from_environment(option, environment);
    if (!given) continue;
    if (const auto applied = apply(option, *given); !applied) return applied.error();
  }
  return Done{};
}

Contact contact(std::uint64_t timeout_ms) { return {AgentOptions{}.socket_path, timeout_ms}; }

Parsed<Contact> read_contact(const CLI::App& command, const Environment& environment,
                             std::uint64_t timeout_ms) {
  auto said = contact(timeout_ms);
  if (const auto read = read_flags(contact_options(said), command, environment); !read) {
    return read.error();
  }
  return said;
}

Parsed<Request> read_push(const CLI::App& command, const Environment& environment) {
  const auto peer = read_contact(command, environment, PushRequest{}.timeout_ms);
  if (!peer) return peer.error();
  PushRequest request{peer->socket_path, peer->timeout_ms, {}};
  for (const std::string& record : command.remaining()) {
    if (record == "--") continue;
    if (record.starts_with('-')) return OptionsError{record + ": no option of push"};
    if (record.find('\n') != std::string::npos) {
      return OptionsError{"push: expected one record an argument, got one with a newline"};
    }
    request.records.push_back(record);
  }
  return Request(request);
}

Parsed<Request> read_top(const CLI::App& command, const Environment& environment) {
  const auto peer = read_contact(command, environment, PushRequest{}.timeout_ms);
  if (!peer) return peer.error();
  TopRequest request{.contact = *peer};
  const auto read = read_flags(top_options(request), command, environment);
  if (!read) return read.error();
  return Request(request);
}

// The subcommands, and what they take. No option is read here: only found.
struct CommandLine {
  CLI::App app{"Sidemeter: metrics of many processes, for Prometheus to scrape.", "sidemeter"};
  CLI::App& serve = *app.add_subcommand("serve", "Takes records and answers scrapes");
  CLI::App& push = *app.add_subcommand("push", "Sends records to an agent");
  CLI::App& health = *app.add_subcommand("health", "Exits 0 if the agent answers, else 1");
  CLI::App& sessions = *app.add_subcommand("sessions", "Lists who pushes to an agent");
  CLI::App& top = *app.add_subcommand("top", "Shows an agent's busiest metric families");
  CLI::App& check = *app.add_subcommand("check-config", "Reads options as serve does, and stops");
  CLI::App& version = *app.add_subcommand("version", "Prints the version");

  CommandLine() {
    app.require_subcommand(0, 1);
    ServeRequest request;
    std::string config_path;
    const Table serve_table = serve_options(request, config_path);
    for (CLI::App* command : {&serve, &check}) {
      command->footer("Each is also SIDEMETER_… in the environment, and a key of the file.");
      add(serve_table, *command);
    }
    auto patient = contact(PushRequest{}.timeout_ms);
    for (CLI::App* command : {&push, &sessions, &top}) add(contact_options(patient), *command);
    auto hurried = contact(HealthRequest{}.timeout_ms);
    add(contact_options(hurried), health);
    TopRequest top_request;
    add(top_options(top_request), top);
    push.allow_extras();
    push.footer(
        "RECORDs follow, one an argument; without any, standard input is sent.\n"
        "Exits 1 if a record was refused, 2 if the agent cannot be reached.");
  }

  static void add(const Table& table, CLI::App& command) {
    for (const Option& option : table.options()) {
      const std::string flag = "--" + option.flag;
      if (option.kind == Kind::kSwitch) {
        command.add_flag(flag, option.help);
        continue;
      }
      // Each occurrence takes one value; which of several counts is not CLI11's to say.
      command.add_option(flag, option.help)
          ->type_name(option.placeholder)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
          ->allow_extra_args(false);
    }
  }
};

Parsed<Request> read_command(const CommandLine& line, const Environment& environment) {
  if (line.version) return Request(TextRequest{"sidemeter " + std::string(kVersion) + "\n"});
  if (line.push) return read_push(line.push, environment);
  if (line.health) {
    const auto peer = read_contact(line.health, environment, HealthRequest{}.timeout_ms);
    if (!peer) return peer.error();
    return Request(HealthRequest{peer->socket_path, peer->timeout_ms});
  }
  if (line.sessions) {
    const auto peer = read_contact(line.sessions, environment, PushRequest{}.timeout_ms);
    if (!peer) return peer.error();
    return Request(SessionsRequest{*peer});
  }
  if (line.top) return read_top(line.top, environment);
  const auto serve = read_serve(line.check ? line.check : line.serve, environment);
  if (!serve) return serve.error();
  return line.check ? Request(CheckConfigRequest{serve->warnings, serve->agent.security.tls})
                    : Request(*serve);
}

}  // namespace

Environment read_environment(const char* const* variables) {
  Environment environment;
  for (; *variables != nullptr; ++variables) {
    const std::string_view variable = *variables;
    const std::size_t equals = variable.find('=');
    if (!variable.starts_with(Option::kPrefix) || equals == std::string_view::npos) continue;
    environment.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return environment;
}

Parsed<Request> parse_options(const std::vector<std::string>& arguments,
                              const Environment& environment) {
  CommandLine line;
  try {
    line.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return Request(TextRequest{line.app.help()});
  } catch (const CLI::ParseError& error) {
    return OptionsError{error.what()};
  }
  if (line.app.get_subcommands().empty()) return OptionsError{line.app.help()};
  return read_command(line, environment);
}

}  // namespace sidemeter
