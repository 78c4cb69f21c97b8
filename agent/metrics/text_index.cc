#include "agent/metrics/text_index.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cassert>
#include <utility>

namespace sidemeter {
namespace {

constexpr std::size_t kFirstSlots = 64;

}  // namespace

std::uint32_t text_hash(std::string_view text) {
  return static_cast<std::uint32_t>(XXH3_64bits(text.data(), text.size()));
}

void TextIndex::insert(std::uint32_t hash, std::uint32_t number) {
  if (2 * (used_ + 1) > slots_.size()) grow();
  place({hash, number});
  ++used_;
}

void TextIndex::place(Slot slot) {
  std::size_t at = slot.hash & mask_;
  while (slots_[at].number != kNone) at = (at + 1) & mask_;
  slots_[at] = slot;
}

void TextIndex::grow() {
  const auto old = std::exchange(slots_, {});
  slots_.resize(old.empty() ? kFirstSlots : 2 * old.size());
  mask_ = slots_.size() - 1;
  for (const auto& slot : old) {
    if (slot.number != kNone) place(slot);
  }
}

// Closes the gap, so that no look-up ends too early: every entry behind it whose home is not
// between the gap and itself moves up.
void TextIndex::erase(std::uint32_t hash, std::uint32_t number) {
  std::size_t gap = hash & mask_;
  while (slots_[gap].number != number) {
    assert(slots_[gap].number != kNone);
    gap = (gap + 1) & mask_;
  }
  for (std::size_t at = (gap + 1) & mask_; slots_[at].number != kNone; at = (at + 1) & mask_) {
    const std::size_t home = slots_[at].hash & mask_;
    if (((at - home) & mask_) < ((at - gap) & mask_)) continue;
    slots_[gap] = slots_[at];
    gap = at;
  }
  slots_[gap] = {};
  --used_;
}

void TextIndex::clear() {
  slots_.assign(slots_.size(), {});
  used_ = 0;
}

}  // namespace sidemeter
