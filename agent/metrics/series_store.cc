#include "agent/metrics/series_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sidemeter {
namespace {

// The upper half of the index' numbers are aliases.
constexpr std::uint32_t kAliasBit = 0x8000'0000u;

// What an alias costs beside its text: its record, its index entries, malloc's header.
constexpr std::size_t kAliasOverhead = 64;

std::unique_ptr<char[]> copy(std::string_view text) {
  std::unique_ptr<char[]> bytes(new char[text.size()]);
  std::memcpy(bytes.get(), text.data(), text.size());
  return bytes;
}

}  // namespace

std::string_view SeriesStore::text_of(std::uint32_t number) const {
  if ((number & kAliasBit) == 0) return at(number).name_and_labels();
  const auto& alias = aliases_[number & ~kAliasBit];
  return {alias.text.get(), alias.bytes};
}

std::uint32_t SeriesStore::find(std::string_view text, std::uint32_t hash) const {
  const auto number =
      index_.find(hash, [&](std::uint32_t candidate) { return text_of(candidate) == text; });
  if (number == TextIndex::kNone || (number & kAliasBit) == 0) return number;
  const auto ref = aliases_[number & ~kAliasBit].ref;
  return holds(ref) ? ref.slot : kNone;
}

std::uint32_t SeriesStore::add(const CanonicalSeries& series, std::uint32_t family,
                               double created) {
  std::uint32_t slot;
  if (free_.empty()) {
    slot = size_++;
    if (slot % kChunk == 0) chunks_.push_back(std::make_unique<SeriesEntry[]>(kChunk));
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  auto& entry = at(slot);
  entry.text = copy(series.text);
  entry.text_bytes = static_cast<std::uint32_t>(series.text.size());
  entry.insert_at = series.insert_at;
  entry.classic = series.classic;
  entry.family = family;
  entry.value = 0;
  entry.maker = 0;
  entry.created = created;
  entry.sequence = next_sequence_++;
  index_.insert(text_hash(series.text), slot);
  return slot;
}

void SeriesStore::remember(std::string_view text, std::uint32_t slot) {
  if (text == at(slot).name_and_labels()) return;
  const auto known = index_.find(
      text_hash(text), [&](std::uint32_t candidate) { return text_of(candidate) == text; });
  if (known != TextIndex::kNone) {
    if ((known & kAliasBit) != 0) aliases_[known & ~kAliasBit].ref = ref(slot);
    return;
  }
  const auto cost = text.size() + kAliasOverhead;
  if (cost > limits_.alias_bytes) return;
  if (alias_bytes_ + cost > limits_.alias_bytes) forget_aliases();
  const auto number = static_cast<std::uint32_t>(aliases_.size());
  aliases_.push_back({copy(text), static_cast<std::uint32_t>(text.size()), ref(slot)});
  alias_bytes_ += cost;
  index_.insert(text_hash(text), number | kAliasBit);
}

void SeriesStore::forget_aliases() {
  aliases_.clear();
  alias_bytes_ = 0;
  index_.clear();
  for (std::uint32_t slot = 0; slot < size_; ++slot) {
    if (at(slot).family == SeriesEntry::kFree) continue;
    index_.insert(text_hash(at(slot).name_and_labels()), slot);
  }
}

void SeriesStore::remove(std::uint32_t slot) {
  auto& entry = at(slot);
  index_.erase(text_hash(entry.name_and_labels()), slot);
  entry.text.reset();
  entry.text_bytes = 0;
  entry.detail.reset();
  entry.own_values.reset();
  entry.family = SeriesEntry::kFree;
  entry.generation = (entry.generation + 1u) & 0x3FFF'FFFFu;
  free_.push_back(slot);
}

bool SeriesStore::holds(SeriesRef ref) const {
  if (ref.slot >= size_) return false;
  const auto& entry = at(ref.slot);
  return entry.family != SeriesEntry::kFree && entry.generation == ref.generation;
}

}  // namespace sidemeter
