// Nanoseconds per call, ours beside prometheus-cpp's, each the least of several turns of one run.
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "sidemeter.hpp"

namespace {

constexpr int kTurns = 7, kCalls = 5'000'000;

template <typename Call>
double nanoseconds(Call call, int calls) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) call(i);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  return took.count() / calls;
}

// In turns, so that a busy moment of the machine meets both.
template <typename Ours, typename Theirs>
void compare(const char* what, int threads, Ours ours, Theirs theirs) {
  double least_ours = 1e9, least_theirs = 1e9;
  const auto in_threads = [&](auto call) {
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back([&] { nanoseconds(call, kCalls); });
    const double took = nanoseconds(call, kCalls);
    for (auto& other : others) other.join();
    return took;
  };
  for (int turn = 0; turn < kTurns; ++turn) {
    least_ours = std::min(least_ours, in_threads(ours));
    least_theirs = std::min(least_theirs, in_threads(theirs));
  }
  std::printf("%-24s %10.1f %16.1f %8.2f\n", what, least_ours, least_theirs,
              least_ours / least_theirs);
}

}  // namespace

int main() {
  const std::vector<double> bounds = {.005, .01, .025, .05, .075, .1,  .25,
                                      .5,   .75, 1,    2.5, 5,    7.5, 10};
  const sidemeter::Family<sidemeter::Counter> counters("requests_total", "Requests.", {"code"});
  const sidemeter::Family<sidemeter::Histogram> histograms("request_seconds", "Time.", {"code"},
                                                           {"", bounds});
  const auto counter = counters.labels("200");
  const auto histogram = histograms.labels("200");

  prometheus::Registry registry;
  auto& their_counter =
      prometheus::BuildCounter().Name("requests_total").Register(registry).Add({{"code", "200"}});
  auto& their_histogram = prometheus::BuildHistogram()
                              .Name("request_seconds")
                              .Register(registry)
                              .Add({{"code", "200"}}, bounds);
  const auto value = [](int i) { return (i % 16) * 0.07; };

  std::printf("%-24s %10s %16s %8s\n", "ns a call", "sidemeter", "prometheus-cpp", "ratio");
  compare(
      "inc", 1, [&](int) { counter.inc(); }, [&](int) { their_counter.Increment(); });
  compare(
      "observe", 1, [&](int i) { histogram.observe(value(i)); },
      [&](int i) { their_histogram.Observe(value(i)); });
  compare(
      "inc, two threads", 2, [&](int) { counter.inc(); }, [&](int) { their_counter.Increment(); });
  compare(
      "observe, two threads", 2, [&](int i) { histogram.observe(value(i)); },
      [&](int i) { their_histogram.Observe(value(i)); });
}
