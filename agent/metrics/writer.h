// Who writes into a registry: a client's session for as long as it is connected, or the
// agent itself.
//
// A writer has the values that it keeps of its own in gauges (proto/gauge_mode.h), and the
// series that it has made. When it leaves, its live values are gone before leave() returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sidemeter {

class Registry;

// Names a series without owning it. Once that series is removed it names
// nothing, even when the place is taken again.
struct SeriesRef {
  std::uint32_t slot = UINT32_MAX;
  std::uint32_t generation = 0;
};

class Writer {
 public:
  // Families of the agent's own metrics are closed to peers, and count against no limit.
  enum class Kind : std::uint8_t { kPeer, kAgent };

  // `registry` must outlive the writer.
  explicit Writer(Registry& registry, Kind kind = Kind::kPeer);
  ~Writer();  // leave()
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // What the label `pid` of the modes all and liveall says: of values that are first written
  // after this.
  void set_pid(std::int64_t pid);

  // It writes no more. Again is nothing.
  void leave();

  Kind kind() const { return kind_; }
  std::size_t series_made() const { return made_; }  // and that still stand

 private:
  friend class Registry;
  friend class SeriesTable;
  friend class WriterTable;

  Registry& registry_;
  const Kind kind_;
  std::uint32_t id_ = 0;  // 0: has left
  std::int64_t pid_ = 0;
  std::string pid_label_;  // as claimed, at the first need
  std::size_t made_ = 0;
  std::size_t idle_ = 0;  // of those made: hidden

  // Gauge series that change when it leaves; some may have been removed meanwhile.
  std::vector<SeriesRef> kept_;
  std::size_t kept_reviewed_ = 0;
};

}  // namespace sidemeter
