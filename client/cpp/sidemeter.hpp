// Push metrics to a Sidemeter agent from C++17: types and timers over the C client, whose
// sidemeter.h and sidemeter.c go with this header.
//
//   sidemeter::Family<sidemeter::Counter> requests("http_requests_total", "Requests that were
//   answered.",
//                                                  {"method", "code"});
//   const auto get_ok = requests.labels("GET", "200");   // once: a handle, as cheap to copy as a
//   pointer get_ok.inc();                                        // where it happens: an addition
//   in memory
//
// A wrong definition throws std::invalid_argument; nothing else throws but std::bad_alloc in
// `labels`. Everything may be used from every thread. Families and handles own nothing: the C
// client keeps families and series for the life of the process.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "sidemeter.h"

namespace sidemeter {

// What a definition may say besides name, help and labels. Each type takes its own (sidemeter.h).
struct Options {
  std::string unit;                 // "seconds"
  std::vector<double> buckets;      // of a histogram: upper bounds that rise strictly
  std::string mode;                 // of a gauge: "livesum"
  std::vector<std::string> states;  // of a stateset: words
};

class Series {
 public:
  // Removes the series from the agent, for all processes; no handle of it may be used afterwards.
  void remove() const noexcept { sidemeter_remove(series_); }

 protected:
  explicit Series(sidemeter_series* series) noexcept : series_(series) {}
  sidemeter_series* series_;  // null: its events are dropped, and counted
};

// Observes the seconds from its construction to its destruction, unless it was cancelled.
class Timer {
 public:
  explicit Timer(sidemeter_series* series) noexcept : series_(series), start_(sidemeter_clock()) {}
  Timer(Timer&& other) noexcept : series_(other.series_), start_(other.start_), runs_(other.runs_) {
    other.runs_ = false;
  }
  Timer& operator=(Timer&&) = delete;
  ~Timer() {
    if (runs_) sidemeter_observe(series_, seconds());
  }

  double seconds() const noexcept { return sidemeter_clock() - start_; }
  void cancel() noexcept { runs_ = false; }

 private:
  sidemeter_series* series_;
  double start_;
  bool runs_ = true;
};

class Counter : public Series {
 public:
  static constexpr sidemeter_type kType = SIDEMETER_COUNTER;
  explicit Counter(sidemeter_series* series) noexcept : Series(series) {}
  void inc(double amount = 1) const noexcept { sidemeter_inc(series_, amount); }
};

class Gauge : public Series {
 public:
  static constexpr sidemeter_type kType = SIDEMETER_GAUGE;
  explicit Gauge(sidemeter_series* series) noexcept : Series(series) {}
  void set(double value) const noexcept { sidemeter_set(series_, value); }
  void inc(double amount = 1) const noexcept { sidemeter_inc(series_, amount); }
  void dec(double amount = 1) const noexcept { sidemeter_dec(series_, amount); }
};

class Histogram : public Series {
 public:
  static constexpr sidemeter_type kType = SIDEMETER_HISTOGRAM;
  explicit Histogram(sidemeter_series* series) noexcept : Series(series) {}
  void observe(double value) const noexcept { sidemeter_observe(series_, value); }
  [[nodiscard]] Timer time() const noexcept { return Timer(series_); }
};

class Summary : public Histogram {
 public:
  static constexpr sidemeter_type kType = SIDEMETER_SUMMARY;
  using Histogram::Histogram;
};

class Info : public Series {
 public:
  static constexpr sidemeter_type kType = SIDEMETER_INFO;
  explicit Info(sidemeter_series* series) noexcept : Series(series) {}
  void show() const noexcept { sidemeter_info(series_); }  // the labels are the content
};

class Stateset : public Series {
 public:
  static constexpr sidemeter_type kType = SIDEMETER_STATESET;
  explicit Stateset(sidemeter_series* series) noexcept : Series(series) {}
  void state(const std::string& state) const noexcept { sidemeter_state(series_, state.c_str()); }
};

// A metric family of one of the types above. The same definition again is the same family.
template <typename Metric>
class Family {
 public:
  explicit Family(const std::string& name, const std::string& help = "",
                  const std::vector<std::string>& labels = {}, const Options& options = {}) {
    const auto label_words = joined(name, labels), state_words = joined(name, options.states);
    sidemeter_definition definition = {};
    definition.type = Metric::kType;
    definition.name = name.c_str();
    definition.help = help.empty() ? nullptr : help.c_str();
    definition.labels = label_words.c_str();
    definition.unit = options.unit.empty() ? nullptr : options.unit.c_str();
    definition.mode = options.mode.empty() ? nullptr : options.mode.c_str();
    definition.states = state_words.c_str();
    definition.buckets = options.buckets.data();
    definition.bucket_count = options.buckets.size();
    family_ = sidemeter_define(&definition);
    if (!family_) throw std::invalid_argument(name + ": " + sidemeter_error());
  }

  // The series with these values, in the order of the definition: std::string or what one is made
  // of.
  template <typename... Values>
  Metric labels(const Values&... values) const {
    return series({std::string(values)...});
  }

  // The same, with as many values as a program happens to have.
  Metric series(const std::vector<std::string>& values) const {
    std::vector<const char*> words;
    for (const auto& value : values) words.push_back(value.c_str());
    words.push_back(nullptr);
    return Metric(sidemeter_series_of(family_, words.data()));
  }

 private:
  // The C client takes words with blanks between them.
  static std::string joined(const std::string& name, const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) {
      if (word.empty() || word.find_first_of(" \n") != std::string::npos)
        throw std::invalid_argument(name + ": labels and states are words, got \"" + word + '"');
      out += (out.empty() ? "" : " ") + word;
    }
    return out;
  }

  sidemeter_family* family_;
};

inline void flush() noexcept { sidemeter_flush(); }
inline bool flush_and_wait(double seconds) noexcept {
  return sidemeter_flush_and_wait(seconds) != 0;
}
inline unsigned long dropped() noexcept { return sidemeter_dropped(); }
inline void close() noexcept { sidemeter_close(); }

}  // namespace sidemeter
