// An open-addressed table from a hash to a number of the owner's, who compares the
// texts. Eight bytes an entry; linear probing; at most half full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sidemeter {

std::uint32_t text_hash(std::string_view text);

class TextIndex {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  void prefetch(std::uint32_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & mask_]);
  }

  // The first number under `hash` for which `same(number)` holds, or kNone.
  template <typename Same>
  std::uint32_t find(std::uint32_t hash, Same same) const {
    if (slots_.empty()) return kNone;
    for (std::size_t at = hash & mask_; slots_[at].number != kNone; at = (at + 1) & mask_) {
      if (slots_[at].hash == hash && same(slots_[at].number)) return slots_[at].number;
    }
    return kNone;
  }

  void insert(std::uint32_t hash, std::uint32_t number);
  void erase(std::uint32_t hash, std::uint32_t number);
  void clear();

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t number = kNone;
  };

  void grow();
  void place(Slot slot);

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  std::size_t used_ = 0;
};

}  // namespace sidemeter
