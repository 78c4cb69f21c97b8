#include "agent/metrics/series_table.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sidemeter {
namespace {

// Looked at in one call: about a millisecond of memory.
constexpr std::uint32_t kSweepSlots = 16 * 1024;

// Kept references are reviewed when there are so many, or twice as many as after the last review.
constexpr std::size_t kReviewKept = 64;

Error refusal(std::size_t limit, const std::string& of) {
  return {Reason::kSeriesLimit, "no more than " + std::to_string(limit) + " " + of};
}

bool is_free(const SeriesEntry& entry) { return entry.family == SeriesEntry::kFree; }

}  // namespace

Status SeriesTable::make_room(std::uint32_t index, const FamilyDescription& description,
                              const Writer& writer) {
  if (writer.kind() == Writer::Kind::kAgent) return Done{};
  const Family* family = index == FamilyTable::kNone ? nullptr : &families_.at(index);
  const auto family_full = [&] {
    return family != nullptr && family->slots.size() >= limits_.series_per_family;
  };
  const auto session_full = [&] { return writer.made_ >= limits_.series_per_session; };
  const auto full = [&] { return count_ >= limits_.series; };

  std::optional<Error> error;
  if (session_full() && writer.idle_ == 0) {
    error = refusal(limits_.series_per_session, "series made by one session, and this one has");
  } else if (family_full() && family->idle == 0) {
    error = refusal(limits_.series_per_family,
                    "series of one family, and \"" + description.given + "\" has them");
  } else if (full() && idle_ == 0) {
    error = refusal(limits_.series, "series in all");
  } else if (gathers(description.effective_mode()) && gauge_values_ >= limits_.gauge_values) {
    error = refusal(limits_.gauge_values, "gauge values of sessions in all");
  }
  if (error) {
    count_overflow(description.given);
    return *std::move(error);
  }
  // What makes room within a session or family makes room in all.
  if (session_full()) evict([&](const SeriesEntry& entry) { return entry.maker == writer.id_; });
  if (family_full()) evict([&](const SeriesEntry& entry) { return entry.family == index; });
  if (full()) evict([](const SeriesEntry&) { return true; });
  return Done{};
}

// One idle series that is `wanted`, of which there is one, goes.
template <typename Wanted>
void SeriesTable::evict(Wanted wanted) {
  for (std::uint32_t looked = 0; looked < store_.size(); ++looked) {
    evict_at_ = evict_at_ + 1 < store_.size() ? evict_at_ + 1 : 0;
    const auto& entry = store_.at(evict_at_);
    if (is_free(entry) || entry.idle == 0 || !wanted(entry)) continue;
    remove(evict_at_);
    ++evicted_;
    return;
  }
  assert(false);
}

void SeriesTable::count_overflow(std::string_view family) {
  auto known = overflow_.find(family);
  if (known == overflow_.end()) {
    if (overflow_.size() >= kMaxOverflowFamilies) family = kOtherFamilies;
    known = overflow_.try_emplace(std::string(family), 0).first;
  }
  ++known->second;
}

std::uint32_t SeriesTable::add(const CanonicalSeries& series, std::uint32_t index, double created,
                               Writer& writer) {
  const auto slot = store_.add(series, index, created);
  auto& family = families_.at(index);
  family.slots.push_back(slot);
  store_.at(slot).updated_seconds = now_seconds_;
  if (family.description.owner == Writer::Kind::kPeer) ++count_;
  give(slot, writer);
  return slot;
}

void SeriesTable::give(std::uint32_t slot, Writer& writer) {
  auto& entry = store_.at(slot);
  set_idle(entry, false);
  if (auto* maker = writers_.find(entry.maker)) --maker->made_;
  entry.maker = writer.id_;
  ++writer.made_;
  // A value that belongs to nobody else: it goes with the writer.
  const auto mode = families_.at(entry.family).mode;
  if (mode == GaugeMode{GaugeMode::Rule::kAll, GaugeMode::Life::kLeaves}) {
    keep(writer, store_.ref(slot));
  }
}

void SeriesTable::keep(Writer& writer, SeriesRef ref) {
  writer.kept_.push_back(ref);
  if (writer.kept_.size() < std::max(kReviewKept, 2 * writer.kept_reviewed_)) return;
  std::erase_if(writer.kept_, [&](SeriesRef kept) { return !store_.holds(kept); });
  writer.kept_reviewed_ = writer.kept_.size();
}

// All but its place among its family's.
void SeriesTable::forget(std::uint32_t slot) {
  auto& entry = store_.at(slot);
  set_idle(entry, false);
  if (auto* maker = writers_.find(entry.maker)) --maker->made_;
  if (families_.at(entry.family).description.owner == Writer::Kind::kPeer) --count_;
  if (entry.own_values) gauge_values_ -= entry.own_values->size();
  store_.remove(slot);
}

void SeriesTable::remove(std::uint32_t slot) {
  const auto& entry = store_.at(slot);
  auto& family = families_.at(entry.family);
  const auto place = family.first_from(store_, entry.sequence);
  assert(family.slots[place] == slot);
  family.slots.erase(family.slots.begin() + static_cast<std::ptrdiff_t>(place));
  forget(slot);
}

// Family by family, so that each closes its ranks once.
void SeriesTable::remove(std::vector<std::uint32_t> slots) {
  std::sort(slots.begin(), slots.end(), [&](std::uint32_t a, std::uint32_t b) {
    const auto& one = store_.at(a);
    const auto& other = store_.at(b);
    return std::pair(one.family, one.sequence) < std::pair(other.family, other.sequence);
  });
  for (auto first = slots.begin(); first != slots.end();) {
    const auto index = store_.at(*first).family;
    const auto last = std::find_if(
        first, slots.end(), [&](std::uint32_t slot) { return store_.at(slot).family != index; });
    // Both are in rising sequence.
    auto gone = first;
    std::erase_if(families_.at(index).slots, [&](std::uint32_t slot) {
      return gone != last && *gone == slot && (++gone, true);
    });
    assert(gone == last);
    first = last;
  }
  for (const auto slot : slots) forget(slot);
}

Status SeriesTable::check_own_value(std::uint32_t slot, const Writer& writer) const {
  const auto& own = store_.at(slot).own_values;
  if ((own && own->has(writer.id_)) || gauge_values_ < limits_.gauge_values) return Done{};
  return refusal(limits_.gauge_values, "gauge values of sessions in all");
}

double& SeriesTable::own_value(std::uint32_t slot, Writer& writer) {
  auto& own = store_.at(slot).own_values;
  if (!own) own = std::make_unique<OwnValues>();
  if (!own->has(writer.id_)) {
    ++gauge_values_;
    keep(writer, store_.ref(slot));
  }
  return own->of(writer.id_, ++arrivals_);
}

void SeriesTable::leave(Writer& writer) {
  std::vector<std::uint32_t> gone;
  for (const auto ref : std::exchange(writer.kept_, {})) {
    if (!store_.holds(ref)) continue;
    auto& entry = store_.at(ref.slot);
    const auto mode = families_.at(entry.family).mode;
    if (gathers(mode)) {
      entry.own_values->leave(writer.id_, mode);
      --gauge_values_;
      if (!entry.own_values->empty()) continue;
    }
    gone.push_back(ref.slot);
  }
  remove(std::move(gone));
  writers_.leave(writer);
}

void SeriesTable::set_idle(SeriesEntry& entry, bool idle) {
  if ((entry.idle != 0) == idle) return;
  entry.idle = idle ? 1 : 0;
  const auto change = [idle](std::size_t& count) { idle ? ++count : --count; };
  change(idle_);
  change(families_.at(entry.family).idle);
  if (auto* maker = writers_.find(entry.maker)) change(maker->idle_);
}

// Both clocks have whole seconds: a series is never hidden too early, and at most a second late.
bool SeriesTable::is_due(const SeriesEntry& entry) const {
  const auto& family = families_.at(entry.family).description;
  if (family.owner == Writer::Kind::kAgent) return false;
  const std::uint64_t ttl = family.ttl_seconds.value_or((limits_.series_idle_ms + 999) / 1000);
  return ttl > 0 && now_seconds_ - entry.updated_seconds > ttl;
}

SeriesTable::Sweep SeriesTable::sweep(std::uint32_t now_seconds) {
  now_seconds_ = now_seconds;
  if (!awaits_idle_ && limits_.series_idle_ms == 0) return Sweep::kDone;
  const auto end = std::min(store_.size(), swept_ + kSweepSlots);
  for (; swept_ < end; ++swept_) {
    auto& entry = store_.at(swept_);
    if (!is_free(entry)) set_idle(entry, is_due(entry));
  }
  if (swept_ < store_.size()) return Sweep::kMore;
  swept_ = 0;
  return Sweep::kDone;
}

}  // namespace sidemeter
