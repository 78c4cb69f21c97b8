// Every series and its value, found by the text a peer wrote.
//
// The index is an open-addressed table of eight-byte entries over the texts: a hit is
// one hash and one compare. The canonical text is part of the series; another spelling is
// remembered as an alias, in a cache that is emptied when it is full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/metrics/label_set.h"
#include "agent/metrics/own_values.h"
#include "agent/metrics/text_index.h"
#include "agent/metrics/writer.h"
#include "proto/limits.h"
#include "proto/operands.h"

namespace sidemeter {

// What only some series have: counts of buckets, exemplars.
struct SeriesDetail {
  std::vector<double> counts;  // not cumulative, +Inf last; of a summary: one
  double sum = 0;
  std::vector<std::optional<Exemplar>> exemplars;  // empty, or one a bucket; of a counter: one
};

struct SeriesEntry {
  static constexpr std::uint32_t kFree = UINT32_MAX;

  std::unique_ptr<char[]> text;
  std::uint32_t text_bytes = 0;
  std::uint32_t insert_at = 0;
  std::uint32_t family = kFree;
  std::uint32_t generation : 30 = 0;
  std::uint32_t classic : 1 = 0;
  std::uint32_t idle : 1 = 0;         // hidden from scrapes
  std::uint32_t updated_seconds = 0;  // of a monotonic clock
  std::uint32_t maker = 0;            // the number of the writer that made it
  double value = 0;                   // counter, gauge; of a stateset: which state
  double created = 0;
  std::uint64_t sequence = 0;
  std::unique_ptr<SeriesDetail> detail;
  std::unique_ptr<OwnValues> own_values;  // of a gauge that gathers them: in place of `value`

  std::string_view name_and_labels() const { return {text.get(), text_bytes}; }
};

class SeriesStore {
 public:
  // `limits` must outlive the store.
  explicit SeriesStore(const PushLimits& limits) : limits_(limits) {}

  static constexpr std::uint32_t kNone = UINT32_MAX;

  // The slot of a series that was written so, canonically or as remembered.
  std::uint32_t find(std::string_view text) const { return find(text, text_hash(text)); }
  std::uint32_t find(std::string_view text, std::uint32_t hash) const;
  void prefetch(std::uint32_t hash) const { index_.prefetch(hash); }

  std::uint32_t add(const CanonicalSeries& series, std::uint32_t family, double created);
  void remember(std::string_view text, std::uint32_t slot);
  void remove(std::uint32_t slot);

  SeriesEntry& at(std::uint32_t slot) { return chunks_[slot / kChunk][slot % kChunk]; }
  const SeriesEntry& at(std::uint32_t slot) const { return chunks_[slot / kChunk][slot % kChunk]; }

  std::uint32_t size() const { return size_; }  // slots so far, free ones too

  SeriesRef ref(std::uint32_t slot) const { return {slot, at(slot).generation}; }
  bool holds(SeriesRef ref) const;

  // Every series so far has a lower sequence.
  std::uint64_t next_sequence() const { return next_sequence_; }

 private:
  struct Alias {
    std::unique_ptr<char[]> text;
    std::uint32_t bytes;
    SeriesRef ref;
  };

  std::string_view text_of(std::uint32_t entry) const;
  void forget_aliases();

  const PushLimits& limits_;
  // Entries never move; a power of two finds them by a shift.
  static constexpr std::uint32_t kChunk = 256;
  std::vector<std::unique_ptr<SeriesEntry[]>> chunks_;
  std::uint32_t size_ = 0;
  std::vector<std::uint32_t> free_;
  std::vector<Alias> aliases_;
  std::size_t alias_bytes_ = 0;
  TextIndex index_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace sidemeter
