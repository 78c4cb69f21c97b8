// Does what tests/clients/README.md says on standard input, a command a line.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <thread>
#include <variant>

#include "sidemeter.hpp"

namespace {

using Words = std::vector<std::string>;
using AnyFamily =
    std::variant<sidemeter::Family<sidemeter::Counter>, sidemeter::Family<sidemeter::Gauge>,
                 sidemeter::Family<sidemeter::Histogram>, sidemeter::Family<sidemeter::Summary>,
                 sidemeter::Family<sidemeter::Info>, sidemeter::Family<sidemeter::Stateset>>;

std::map<std::string, AnyFamily> families;

Words split(const std::string& text, char separator) {
  Words words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, separator);) words.push_back(word);
  return words;
}

std::string decoded(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%' || at + 2 >= text.size()) {
      out += text[at];
    } else {
      out += static_cast<char>(std::stoi(text.substr(at + 1, 2), nullptr, 16));
      at += 2;
    }
  }
  return out;
}

Words list(const std::string& word) {
  auto words = word == "-" ? Words() : split(word, ',');
  for (auto& item : words) item = decoded(item);
  return words;
}

std::string single(const std::string& word) { return word == "-" ? "" : decoded(word); }

void define(const Words& words) {
  sidemeter::Options options{single(words[5]), {}, single(words[7]), list(words[8])};
  for (const auto& bound : list(words[6])) options.buckets.push_back(std::stod(bound));
  const auto name = single(words[2]), help = single(words[3]);
  const auto labels = list(words[4]);
  const auto make = [&](auto type) -> AnyFamily {
    return sidemeter::Family<decltype(type)>(name, help, labels, options);
  };
  const std::map<std::string, std::function<AnyFamily()>> types = {
      {"counter", [&] { return make(sidemeter::Counter(nullptr)); }},
      {"gauge", [&] { return make(sidemeter::Gauge(nullptr)); }},
      {"histogram", [&] { return make(sidemeter::Histogram(nullptr)); }},
      {"summary", [&] { return make(sidemeter::Summary(nullptr)); }},
      {"info", [&] { return make(sidemeter::Info(nullptr)); }},
      {"stateset", [&] { return make(sidemeter::Stateset(nullptr)); }}};
  families.insert_or_assign(name, types.at(words[1])());
}

// Calls `act` with the series, where it is of a type that `act` takes.
template <typename Act>
void with(const std::string& name, const std::string& labels, Act act) {
  Words values;
  for (const auto& pair : labels == "-" ? Words() : split(labels, ','))
    values.push_back(decoded(pair.substr(pair.find('=') + 1)));
  std::visit(
      [&](const auto& family) {
        const auto series = family.series(values);
        if constexpr (std::is_invocable_v<Act, decltype(series)>) act(series);
      },
      families.at(name));
}

long longest_inc_us(const std::string& name, const std::string& labels, int count) {
  using Clock = std::chrono::steady_clock;
  Clock::duration longest{};
  with(name, labels, [&](sidemeter::Counter counter) {
    for (int i = 0; i < count; ++i) {
      const auto start = Clock::now();
      counter.inc();
      longest = std::max(longest, Clock::now() - start);
    }
  });
  return std::chrono::duration_cast<std::chrono::microseconds>(longest).count();
}

void work(const std::string& name, const std::string& labels, int count) {
  with(name, labels, [&](sidemeter::Counter counter) {
    for (int i = 0; i < count; ++i) counter.inc();
  });
}

std::string fork_and_work(const Words& words) {
#ifdef SANITIZED
  // The sanitizer's allocator does not survive a fork amid the start of a thread.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
#endif
  const pid_t child = fork();
  if (child == 0) {
    work(words[2], words[3], std::stoi(words[1]));
    std::exit(sidemeter::flush_and_wait(30) ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? "ok" : "the child failed";
}

std::string obey(const Words& words) {
  const auto& verb = words[0];
  const auto value = [&] { return std::stod(words[3]); };
  if (verb == "define") {
    try {
      define(words);
    } catch (const std::invalid_argument&) {
      return "error";
    }
  } else if (verb == "inc") {
    with(words[1], words[2], [&](sidemeter::Counter counter) { counter.inc(value()); });
    with(words[1], words[2], [&](sidemeter::Gauge gauge) { gauge.inc(value()); });
  } else if (verb == "dec") {
    with(words[1], words[2], [&](sidemeter::Gauge gauge) { gauge.dec(value()); });
  } else if (verb == "set") {
    with(words[1], words[2], [&](sidemeter::Gauge gauge) { gauge.set(value()); });
  } else if (verb == "observe") {
    with(words[1], words[2], [&](const sidemeter::Histogram& one) { one.observe(value()); });
  } else if (verb == "time") {
    with(words[1], words[2],
         [](const sidemeter::Histogram& one) { const auto timer = one.time(); });
  } else if (verb == "info") {
    with(words[1], words[2], [](sidemeter::Info info) { info.show(); });
  } else if (verb == "state") {
    with(words[1], words[2], [&](sidemeter::Stateset set) { set.state(decoded(words[3])); });
  } else if (verb == "remove") {
    with(words[1], words[2], [](const sidemeter::Series& series) { series.remove(); });
  } else if (verb == "many") {
    const auto& family = std::get<sidemeter::Family<sidemeter::Counter>>(families.at(words[1]));
    for (int i = 0; i < std::stoi(words[3]); ++i) family.labels(std::to_string(i)).inc();
  } else if (verb == "repeat") {
    return std::to_string(longest_inc_us(words[2], words[3], std::stoi(words[1])));
  } else if (verb == "threads") {
    std::vector<std::thread> threads;
    for (int i = 0; i < std::stoi(words[1]); ++i)
      threads.emplace_back(work, words[3], words[4], std::stoi(words[2]));
    for (auto& thread : threads) thread.join();
  } else if (verb == "fork") {
    return fork_and_work(words);
  } else if (verb == "flush") {
    sidemeter::flush();
  } else if (verb == "wait") {
    return sidemeter::flush_and_wait(std::stod(words[1])) ? "true" : "false";
  } else if (verb == "sleep") {
    std::this_thread::sleep_for(std::chrono::duration<double>(std::stod(words[1])));
  } else if (verb == "dropped") {
    return std::to_string(sidemeter::dropped());
  }
  return "ok";
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line) && line != "exit";)
    std::cout << obey(split(line, '\t')) << std::endl;
}
