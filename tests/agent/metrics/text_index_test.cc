#include "agent/metrics/text_index.h"

#include <map>
#include <random>
#include <string>

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

// Against std::map, with few hashes so that probes run into each other.
TEST_CASE("an index holds what was put in and not erased") {
  std::mt19937 random(7);
  TextIndex index;
  std::map<std::uint32_t, std::uint32_t> hashes;  // by number
  for (std::uint32_t step = 0; step < 20'000; ++step) {
    if (hashes.empty() || random() % 3 != 0) {
      const auto hash = static_cast<std::uint32_t>(random() % 97);
      index.insert(hash, step);
      hashes[step] = hash;
    } else {
      auto victim = hashes.lower_bound(static_cast<std::uint32_t>(random() % step));
      if (victim == hashes.end()) victim = hashes.begin();
      index.erase(victim->second, victim->first);
      hashes.erase(victim);
    }
    if (step % 500 != 0) continue;
    for (const auto& [number, hash] : hashes) {
      const auto same = [number = number](std::uint32_t candidate) { return candidate == number; };
      REQUIRE(index.find(hash, same) == number);
    }
  }
  index.clear();
  CHECK(index.find(1, [](std::uint32_t) { return true; }) == TextIndex::kNone);
}

}  // namespace
}  // namespace sidemeter
