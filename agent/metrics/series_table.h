// The series that stand, counted against the limits: who made them, which of them are idle,
// and which make way for others.
//
// An idle series, one that was not updated for the time its family says, is hidden from scrapes.
// Its value is kept until room is needed, so that a counter that comes back goes on where it stood.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/metrics/family_table.h"
#include "agent/metrics/label_set.h"
#include "agent/metrics/series_store.h"
#include "agent/metrics/writer_table.h"

namespace sidemeter {

class SeriesTable {
 public:
  // All must outlive the table.
  SeriesTable(const PushLimits& limits, FamilyTable& families, WriterTable& writers)
      : limits_(limits), families_(families), writers_(writers), store_(limits) {}

  SeriesStore& store() { return store_; }
  const SeriesStore& store() const { return store_; }

  // Sees to it that `writer` may make one more series of the family at `index`, described so;
  // idle ones may go for it. Reason: kSeriesLimit; then nothing has changed but the overflow
  // counts.
  Status make_room(std::uint32_t index, const FamilyDescription& family, const Writer& writer);

  // Adds one for which there is room.
  std::uint32_t add(const CanonicalSeries& series, std::uint32_t family, double created,
                    Writer& writer);
  void remove(std::uint32_t slot);
  void remove(std::vector<std::uint32_t> slots);

  // Makes the series another writer's.
  bool is_made_by(std::uint32_t slot, const Writer& writer) const {
    return store_.at(slot).maker == writer.id_;
  }
  void give(std::uint32_t slot, Writer& writer);

  // It was updated just now.
  void touch(SeriesEntry& entry) {
    entry.updated_seconds = now_seconds_;
    if (entry.idle != 0) [[unlikely]]
      set_idle(entry, false);
  }

  // The value that `writer` keeps of its own in a gauge that gathers them. Reason: kSeriesLimit.
  Status check_own_value(std::uint32_t slot, const Writer& writer) const;
  double& own_value(std::uint32_t slot, Writer& writer);

  // What `writer` has kept stays or goes with it, by the modes of the gauges.
  void leave(Writer& writer);

  // Looks at some more series: `now_seconds`, of a monotonic clock, has come. The first call sets
  // the clock. kMore: the others wait for the next call.
  enum class Sweep : std::uint8_t { kDone, kMore };
  Sweep sweep(std::uint32_t now_seconds);
  void await_idle() { awaits_idle_ = true; }  // some family says a time

  std::size_t count() const { return count_; }  // of peers, idle ones too
  std::size_t idle_count() const { return idle_; }
  std::size_t evicted() const { return evicted_; }
  std::size_t gauge_values() const { return gauge_values_; }

  // How many series of a family were refused; past kMaxOverflowFamilies those of all others
  // together, as kOtherFamilies, which is no name by any grammar of Prometheus but UTF-8's.
  static constexpr std::string_view kOtherFamilies = "(others)";
  const std::map<std::string, std::uint64_t, std::less<>>& overflow() const { return overflow_; }

 private:
  bool is_due(const SeriesEntry& entry) const;
  void set_idle(SeriesEntry& entry, bool idle);
  void forget(std::uint32_t slot);
  void keep(Writer& writer, SeriesRef ref);
  void count_overflow(std::string_view family);
  template <typename Wanted>
  void evict(Wanted wanted);

  const PushLimits& limits_;
  FamilyTable& families_;
  WriterTable& writers_;
  SeriesStore store_;
  std::size_t count_ = 0;
  std::size_t idle_ = 0;
  std::size_t evicted_ = 0;
  std::size_t gauge_values_ = 0;
  std::uint64_t arrivals_ = 0;
  std::uint32_t now_seconds_ = 0;
  std::uint32_t swept_ = 0;     // slots of the sweep under way
  std::uint32_t evict_at_ = 0;  // where the last search for an idle series ended
  bool awaits_idle_ = false;
  std::map<std::string, std::uint64_t, std::less<>> overflow_;
};

}  // namespace sidemeter
