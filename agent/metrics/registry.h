// The one room where both roads meet: every metric family and every series,
// their values, and the rules that keep them an exposition.
//
// A refused call changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "proto/limits.h"
#include "proto/operands.h"
#include "proto/record.h"
#include "proto/result.h"

namespace sidemeter {

class SeriesStore;
class FamilyTable;
struct FamilyDescription;

// Names a series without owning it. Once that series is removed it names
// nothing, even when the place is taken again.
struct SeriesRef {
  std::uint32_t slot = UINT32_MAX;
  std::uint32_t generation = 0;
};

// Families of the agent's own metrics are closed to peers, and count against
// no limit.
enum class Writer : std::uint8_t { kPeer, kAgent };

class Registry {
 public:
  // `limits` must outlive the registry. `now` gives seconds since the epoch.
  Registry(const PushLimits& limits, std::function<double()> now);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Status declare(const Declaration& declaration, Writer writer = Writer::kPeer);

  // Finds or creates the series and applies the operands. Answers with the
  // series, for the fast way back (one that is held nowhere after kRemove and kClear). Removing
  // what is not there is no error.
  Result<SeriesRef> update(const Update& update, Writer writer = Writer::kPeer);

  // The same in two steps, for a batch: prepare() each of its records starts fetching what
  // the second step needs.
  std::uint32_t prepare(std::string_view series) const;
  Result<SeriesRef> update(const Update& update, std::uint32_t prepared,
                           Writer writer = Writer::kPeer);

  bool holds(SeriesRef ref) const;

  // The same to a series already found; `ref` must be held.
  Status update(SeriesRef ref, Verb verb, std::string_view operands, Writer writer = Writer::kPeer);

  std::size_t series_count() const { return peer_series_; }  // peers' only
  std::size_t family_count() const;                          // peers' only

  const FamilyTable& families() const { return *families_; }
  const SeriesStore& series() const { return *series_; }

 private:
  Result<SeriesRef> create(const Update& update, Writer writer);
  Result<std::uint32_t> family_for(Verb verb, std::string_view name, Writer writer,
                                   FamilyDescription& description) const;
  Status check_room(std::uint32_t family) const;
  Status clear(std::string_view name, Writer writer);
  Status remove(std::string_view series, Writer writer);
  void remove(std::uint32_t slot);

  const PushLimits& limits_;
  std::function<double()> now_;
  std::unique_ptr<FamilyTable> families_;
  std::unique_ptr<SeriesStore> series_;
  std::size_t peer_series_ = 0;
  Operands operands_;  // reused
};

}  // namespace sidemeter
