// What the C++ header adds to the C client: timers, exceptions, words that are checked. Prints the
// cases that failed, and counts.
#include <cmath>
#include <functional>
#include <iostream>

#include "sidemeter.hpp"

namespace {

int passed = 0, failed = 0;

void check(const std::string& sentence, bool holds) {
  (holds ? passed : failed) += 1;
  if (!holds) std::cout << "failed: " << sentence << '\n';
}

template <typename Metric>
std::string refusal(const std::string& name, const std::vector<std::string>& labels = {},
                    const sidemeter::Options& options = {}) {
  try {
    sidemeter::Family<Metric>(name, "", labels, options);
  } catch (const std::invalid_argument& fault) {
    return fault.what();
  }
  return "";
}

unsigned long dropped_by(const std::function<void()>& act) {
  const auto before = sidemeter::dropped();
  act();
  return sidemeter::dropped() - before;
}

}  // namespace

int main() {
  using namespace sidemeter;
  check("a wrong name throws, with the name in words",
        refusal<Counter>("9lives").find("9lives") == 0);
  check("a label with a blank is not two labels", !refusal<Counter>("x", {"a b"}).empty());
  check("an empty label throws", !refusal<Counter>("x", {""}).empty());
  check("a state with a blank is not two states",
        !refusal<Stateset>("x", {}, {"", {}, "", {"a b"}}).empty());
  check("buckets that fall throw", !refusal<Histogram>("x", {}, {"", {2, 1}, "", {}}).empty());
  check("a mode on a counter throws", !refusal<Counter>("x", {}, {"", {}, "sum", {}}).empty());

  const Family<Counter> counters("c", "Counted.", {"a", "b"});
  const Family<Histogram> histograms("h", "", {}, {"", {60}, "", {}});
  const Family<Summary> summaries("s");
  check("the same definition again is right",
        dropped_by([] {
          Family<Counter>("c", "Counted.", {"a", "b"}).labels("1", "2").inc();
        }) == 0);
  check("another definition of the name throws", !refusal<Counter>("c", {"a"}).empty());
  check("labels of any kind that makes a string",
        dropped_by([&] { counters.labels("x", std::string("y")).inc(); }) == 0);
  check("too few labels are dropped", dropped_by([&] { counters.labels("x").inc(); }) == 1);
  check("a counter does not fall", dropped_by([&] { counters.labels("x", "y").inc(-1); }) == 1);
  check("NaN is not observed", dropped_by([&] { summaries.labels().observe(std::nan("")); }) == 1);
  check("a timer of a series that is none is dropped once", dropped_by([&] {
                                                              Timer first(nullptr);
                                                              const Timer second(std::move(first));
                                                            }) == 1);
  check("a cancelled timer observes nothing", dropped_by([&] { Timer(nullptr).cancel(); }) == 0);
  check("a timer runs", [&] {
    const auto timer = histograms.labels().time();
    const double start = timer.seconds();
    return start >= 0 && timer.seconds() >= start;
  }());
  std::cout << passed << " passed, " << failed << " failed, 0 skipped" << std::endl;
  return failed > 0;
}
