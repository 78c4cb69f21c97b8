// A property: whatever up to 50 sessions do, and whenever they die, the exposition is that of a
// plain model that keeps every value of every session that ever was.
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agent/ingest/ingest_session.h"
#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

const std::array<std::string, 11> kModes = {"last",       "sum",     "min",           "max",
                                            "mostrecent", "all",     "livesum",       "livemin",
                                            "livemax",    "liveall", "livemostrecent"};

// One session's value of one series, with when it was written.
struct Kept {
  int session;
  std::string pid;
  double value;
  int at;
};

class Model {
 public:
  void set(const std::string& mode, const std::string& label, int session, const std::string& pid,
           bool add, double value) {
    auto& all = series_[{mode, label}];
    const bool shared = mode == "last";
    auto own = std::find_if(all.begin(), all.end(),
                            [&](const Kept& kept) { return shared || kept.session == session; });
    // A new session of a process that is gone takes its series over, and begins at 0.
    if (own == all.end() && mode == "all") {
      own = std::find_if(all.begin(), all.end(), [&](const Kept& kept) { return kept.pid == pid; });
      if (own != all.end()) *own = {session, pid, 0, 0};
    }
    if (own == all.end()) own = all.insert(all.end(), {session, pid, 0, 0});
    own->value = add ? own->value + value : value;
    own->at = ++now_;
  }

  void count(const std::string& label, double value) { counters_[label] += value; }

  void remove(const std::string& mode, const std::string& label, const std::string& pid) {
    auto& all = series_[{mode, label}];
    const bool one = mode == "all" || mode == "liveall";
    std::erase_if(all, [&](const Kept& kept) { return !one || kept.pid == pid; });
  }

  void leave(int session) {
    for (auto& [key, all] : series_) {
      if (!key.first.starts_with("live")) continue;
      std::erase_if(all, [&](const Kept& kept) { return kept.session == session; });
    }
  }

  std::map<std::string, double> samples() const {
    std::map<std::string, double> samples;
    for (const auto& [key, all] : series_) {
      const auto& [mode, label] = key;
      if (all.empty()) continue;
      const auto name = mode + "{l=\"" + label + "\"";
      if (mode.ends_with("all")) {
        for (const auto& kept : all) samples[name + ",pid=\"" + kept.pid + "\"}"] = kept.value;
      } else {
        samples[name + "}"] = together(mode, all);
      }
    }
    for (const auto& [label, value] : counters_) samples["c_total{l=\"" + label + "\"}"] = value;
    return samples;
  }

 private:
  static double together(const std::string& mode, const std::vector<Kept>& all) {
    const auto by_value = [](const Kept& a, const Kept& b) { return a.value < b.value; };
    const auto by_time = [](const Kept& a, const Kept& b) { return a.at < b.at; };
    if (mode.ends_with("min")) return std::min_element(all.begin(), all.end(), by_value)->value;
    if (mode.ends_with("max")) return std::max_element(all.begin(), all.end(), by_value)->value;
    if (!mode.ends_with("sum")) return std::max_element(all.begin(), all.end(), by_time)->value;
    double sum = 0;
    for (const auto& kept : all) sum += kept.value;
    return sum;
  }

  int now_ = 0;
  std::map<std::pair<std::string, std::string>, std::vector<Kept>> series_;
  std::map<std::string, double> counters_;
};

std::map<std::string, double> samples_of(const std::string& exposition) {
  std::map<std::string, double> samples;
  for (std::size_t at = 0; at < exposition.size();) {
    const auto end = exposition.find('\n', at);
    const auto line = exposition.substr(at, end - at);
    at = end + 1;
    if (line.starts_with('#')) continue;
    const auto blank = line.rfind(' ');
    REQUIRE(samples.emplace(line.substr(0, blank), std::stod(line.substr(blank + 1))).second);
  }
  return samples;
}

// The agent and the model, doing the same.
struct Both {
  explicit Both(unsigned seed) : chance(seed) {
    for (const auto& mode : kModes) metrics.apply("# MODE " + mode + " " + mode);
  }

  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(chance); }

  // Pids are used again, as the kernel does, but no two open sessions share one: what is shown then
  // is another test's (writer_table_test.cc).
  void open() {
    const int number = ++opened;
    do {
      last_pid = last_pid % 70 + 1;
    } while (std::any_of(pids.begin(), pids.end(), [&](const auto& entry) {
      return entry.second == std::to_string(last_pid) && sessions.contains(entry.first);
    }));
    pids[number] = std::to_string(last_pid);
    sessions.emplace(number, std::make_unique<IngestSession>(room, last_pid, 1000));
  }

  void step() {
    const int what = below(20);
    if (sessions.empty() || (what == 0 && sessions.size() < 50)) return open();
    auto session = sessions.begin();
    std::advance(session, below(static_cast<int>(sessions.size())));
    if (what == 1) {
      model.leave(session->first);
      sessions.erase(session);
      return;
    }
    const auto label = std::string(1, static_cast<char>('a' + below(3)));
    const auto mode = kModes[static_cast<std::size_t>(below(kModes.size()))];
    const auto series = mode + "{l=\"" + label + "\"}";
    const int value = below(41) - 20;
    if (what == 2) {
      model.count(label, value + 20);
      return say(*session->second, "c c{l=\"" + label + "\"} " + std::to_string(value + 20));
    }
    if (what == 3) {
      model.remove(mode, label, pids.at(session->first));
      return say(*session->second, "x " + series);
    }
    const bool add = below(2) == 0;
    model.set(mode, label, session->first, pids.at(session->first), add, value);
    const auto sign = value < 0 ? " -=" : " +=";
    say(*session->second,
        "g " + series +
            (add ? sign + std::to_string(std::abs(value)) : ' ' + std::to_string(value)));
  }

  void say(IngestSession& session, const std::string& record) {
    std::string out;
    session.receive(record + "\n", out);
  }

  std::mt19937 chance;
  Metrics metrics;
  IngestRoom room{metrics.registry, metrics.limits};
  Model model;
  int opened = 0;
  int last_pid = 0;
  std::map<int, std::string> pids;  // of every session so far
  std::map<int, std::unique_ptr<IngestSession>> sessions;
};

TEST_CASE(
    "after every step of 50 sessions that come, write and die the exposition is the model's") {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    Both both(seed);
    std::size_t most = 0;
    for (int step = 0; step < 1'000; ++step) {
      // Towards 50 sessions, then towards none, and again.
      if (both.sessions.size() < 50 && step % 500 < 80) both.open();
      both.step();
      most = std::max(most, both.sessions.size());
      INFO("seed " << seed << ", step " << step);
      REQUIRE(samples_of(both.metrics.render()) == both.model.samples());
    }
    CHECK(most == 50);
    both.sessions.clear();
    for (int gone = 1; gone <= both.opened; ++gone) both.model.leave(gone);
    CHECK(samples_of(both.metrics.render()) == both.model.samples());
    CHECK(both.metrics.registry.counts().gauge_values == 0);
    std::size_t rejected = 0;
    for (const auto count : both.room.stats.rejected) rejected += count;
    CHECK(rejected == 0);
  }
}

}  // namespace
}  // namespace sidemeter
