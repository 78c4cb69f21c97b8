// The one room where both roads meet: every metric family and every series,
// their values, and the rules that keep them an exposition.
//
// A refused call changes nothing. Whoever writes does so as a Writer; a program that has a
// registry of its own may leave it out and write as itself.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "agent/metrics/writer.h"
#include "proto/limits.h"
#include "proto/operands.h"
#include "proto/record.h"
#include "proto/result.h"

namespace sidemeter {

class SeriesStore;
class SeriesTable;
class FamilyTable;
class WriterTable;
struct FamilyDescription;

// How many there are of what has a limit: of peers only.
struct RegistryCounts {
  std::size_t families = 0;
  std::size_t series = 0;          // idle ones too
  std::size_t idle_series = 0;     // hidden from scrapes
  std::size_t evicted_series = 0;  // so far: idle ones that made way
  std::size_t gauge_values = 0;    // that open sessions keep of their own
};

class Registry {
 public:
  // `limits` must outlive the registry. `now` gives seconds since the epoch.
  Registry(const PushLimits& limits, std::function<double()> now);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Status declare(const Declaration& declaration, const Writer& writer);
  Status declare(const Declaration& declaration);

  // Finds or creates the series and applies the operands. Answers with the
  // series, for the fast way back (one that is held nowhere after kRemove and kClear). Removing
  // what is not there is no error.
  Result<SeriesRef> update(const Update& update, Writer& writer);
  Result<SeriesRef> update(const Update& update);

  // The short way of most records, in two steps, for a batch: prepare() each of its records starts
  // fetching what the second step needs. False, and nothing has changed, where the series is not
  // known by this text, or more than its operands has to be looked at.
  std::uint32_t prepare(std::string_view series) const;
  bool update_known(const Update& update, std::uint32_t prepared, const Writer& writer);

  bool holds(SeriesRef ref) const;

  // The same to a series already found by this writer; `ref` must be held.
  Status update(SeriesRef ref, Verb verb, std::string_view operands, Writer& writer);

  // Hides some more of the series that were not updated for their time, by a monotonic clock;
  // called once a second, and again in the next turn of the loop where more wait. The first call
  // sets the clock.
  enum class Sweep : std::uint8_t { kDone, kMore };
  Sweep sweep(std::uint64_t now_seconds);

  RegistryCounts counts() const;

  // How many new series were refused for a limit, by family.
  const std::map<std::string, std::uint64_t, std::less<>>& overflow() const;

  const FamilyTable& families() const { return *families_; }
  const SeriesStore& series() const;

 private:
  friend class Writer;
  WriterTable& writers() { return *writers_; }
  void leave(Writer& writer);

  Result<SeriesRef> create(const Update& update, Writer& writer);
  Result<std::uint32_t> family_for(Verb verb, std::string_view name, const Writer& writer,
                                   FamilyDescription& description) const;
  Status apply(std::uint32_t slot, Verb verb, Writer& writer);
  Status clear(std::string_view name, const Writer& writer);
  Status remove(std::string_view series, Writer& writer);
  Result<std::string> canonical_text(std::string_view series, Writer& writer);

  const PushLimits& limits_;
  std::function<double()> now_;
  std::unique_ptr<FamilyTable> families_;
  std::unique_ptr<WriterTable> writers_;
  std::unique_ptr<SeriesTable> series_;
  Operands operands_;  // reused
  Writer program_{*this};
};

}  // namespace sidemeter
