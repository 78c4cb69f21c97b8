#include "agent/metrics/registry.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/metrics/family_table.h"
#include "agent/metrics/label_set.h"
#include "agent/metrics/series_store.h"
#include "agent/metrics/series_value.h"

namespace sidemeter {
namespace {

std::optional<MetricType> type_of(Verb verb) {
  switch (verb) {
    case Verb::kCounter: return MetricType::kCounter;
    case Verb::kGauge: return MetricType::kGauge;
    case Verb::kHistogram: return MetricType::kHistogram;
    case Verb::kSummary: return MetricType::kSummary;
    case Verb::kInfo: return MetricType::kInfo;
    case Verb::kStateset: return MetricType::kStateset;
    default: return std::nullopt;  // what the family is already
  }
}

inline Status check_owner(const FamilyDescription& family, Writer writer) {
  if (family.owner == writer) [[likely]]
    return Done{};
  return Error{Reason::kNameCollision,
               "metric family \"" + family.given + "\" is the agent's own and closed to peers"};
}

// Whether a family that has series would become another one.
Status check_unchanged(const FamilyDescription& was, const FamilyDescription& is) {
  if (was.type != is.type) {
    return Error{Reason::kTypeConflict, "metric family \"" + was.given + "\" has series of type " +
                                            std::string(word(*was.type)) + " and cannot become " +
                                            std::string(word(*is.type))};
  }
  const auto effective = [](const FamilyDescription& family) {
    return family.buckets.value_or(default_buckets());
  };
  const char* what = nullptr;
  if (was.unit != is.unit) what = "unit";
  if (effective(was) != effective(is)) what = "buckets";
  if (was.mode.value_or(GaugeMode::kLast) != is.mode.value_or(GaugeMode::kLast)) what = "mode";
  if (was.states != is.states) what = "states";
  if (what == nullptr) return Done{};
  return Error{Reason::kDeclarationConflict,
               "metric family \"" + was.given + "\" has series and keeps its " + what};
}

// What check_operands() checks, and the type that the record itself may name.
Status check_update(const FamilyDescription& family, const Update& update,
                    const Operands& operands) {
  if (update.type && family.type != update.type) {
    return Error{Reason::kTypeConflict, "\"" + family.given + "\" is a metric family of type " +
                                            std::string(word(*family.type)) + ", not " +
                                            std::string(word(*update.type))};
  }
  return check_operands(family, update.verb, operands);
}

// The limits are the peers': the agent's own words are known.
const PushLimits kOwnLimits;

}  // namespace

Registry::Registry(const PushLimits& limits, std::function<double()> now)
    : limits_(limits),
      now_(std::move(now)),
      families_(std::make_unique<FamilyTable>(limits)),
      series_(std::make_unique<SeriesStore>(limits)) {}

Registry::~Registry() = default;

std::size_t Registry::family_count() const { return families_->count(); }

std::uint32_t Registry::prepare(std::string_view series) const {
  const auto hash = text_hash(series);
  series_->prefetch(hash);
  return hash;
}

bool Registry::holds(SeriesRef ref) const { return series_->holds(ref); }

Status Registry::declare(const Declaration& declaration, Writer writer) {
  const auto index = families_->find(declaration.name, declaration.type);
  FamilyDescription was;
  was.given = declaration.name;
  was.owner = writer;
  if (index != FamilyTable::kNone) was = families_->at(index).description;
  if (auto status = check_owner(was, writer); !status) return status;

  auto is = declared(was, declaration);
  if (!is) return is.error();
  if (index != FamilyTable::kNone && !families_->at(index).slots.empty()) {
    if (auto status = check_unchanged(was, *is); !status) return status;
    families_->at(index).description.help = is->help;
    return Done{};
  }
  if (auto put = families_->put(index, *std::move(is)); !put) return put.error();
  return Done{};
}

Result<SeriesRef> Registry::update(const Update& update, Writer writer) {
  return this->update(update, text_hash(update.series), writer);
}

Result<SeriesRef> Registry::update(const Update& update, std::uint32_t prepared, Writer writer) {
  if (auto read = parse_operands(update.verb, update.operands, limits_, operands_); !read) {
    return read.error();
  }
  if (update.verb == Verb::kClear || update.verb == Verb::kRemove) {
    const auto gone =
        update.verb == Verb::kClear ? clear(update.series, writer) : remove(update.series, writer);
    if (!gone) return gone.error();
    return SeriesRef{};
  }
  const auto slot = series_->find(update.series, prepared);
  if (slot == SeriesStore::kNone) return create(update, writer);

  auto& entry = series_->at(slot);
  const auto& family = families_->at(entry.family);
  if (auto status = check_owner(family.description, writer); !status) return status.error();
  if (auto status = check_update(family.description, update, operands_); !status) {
    return status.error();
  }
  apply(family, entry, update.verb, operands_);
  return series_->ref(slot);
}

Status Registry::update(SeriesRef ref, Verb verb, std::string_view operands, Writer writer) {
  assert(holds(ref));
  if (auto read = parse_operands(verb, operands, limits_, operands_); !read) return read;
  auto& entry = series_->at(ref.slot);
  const auto& family = families_->at(entry.family);
  if (auto status = check_owner(family.description, writer); !status) return status;
  if (verb == Verb::kRemove) {
    remove(ref.slot);
    return Done{};
  }
  if (auto status = check_operands(family.description, verb, operands_); !status) return status;
  apply(family, entry, verb, operands_);
  return Done{};
}

// The family that the record means, or would make: its index (kNone) and, in `description`,
// what it is then.
Result<std::uint32_t> Registry::family_for(Verb verb, std::string_view name, Writer writer,
                                           FamilyDescription& description) const {
  const auto type = type_of(verb);
  const auto index = families_->find(name, type);
  if (index != FamilyTable::kNone) {
    description = families_->at(index).description;
    if (auto status = check_owner(description, writer); !status) return status.error();
    if (description.type || !type) return index;
  } else {
    if (!type) {
      return Error{Reason::kTypeConflict,
                   "verb \"m\" wants a declared histogram or summary, and \"" + std::string(name) +
                       "\" is none"};
    }
    description.given = name;
    description.owner = writer;
  }
  auto first_use = typed(std::move(description), *type);
  if (!first_use) return Error{Reason::kTypeConflict, first_use.error().message};
  description = *std::move(first_use);
  if (auto status = families_->check(index, description); !status) return status.error();
  return index;
}

Status Registry::check_room(std::uint32_t family) const {
  if (peer_series_ >= limits_.series) {
    return Error{Reason::kSeriesLimit,
                 "no more than " + std::to_string(limits_.series) + " series in all"};
  }
  if (family == FamilyTable::kNone ||
      families_->at(family).slots.size() < limits_.series_per_family) {
    return Done{};
  }
  return Error{Reason::kSeriesLimit, "no more than " + std::to_string(limits_.series_per_family) +
                                         " series of one family, and \"" +
                                         families_->at(family).description.given + "\" has them"};
}

// The slow way: reads the labels, and makes the series unless another spelling of it stands.
Result<SeriesRef> Registry::create(const Update& update, Writer writer) {
  auto series = parse_series(update.series, writer == Writer::kAgent ? kOwnLimits : limits_);
  if (!series) return series.error();
  FamilyDescription description;
  auto index = family_for(update.verb, series->name, writer, description);
  if (!index) return index.error();
  if (auto status = check_update(description, update, operands_); !status) return status.error();
  auto canonical = canonicalise(description, std::move(series->labels));
  if (!canonical) return canonical.error();

  auto slot = series_->find(canonical->text);
  if (slot == SeriesStore::kNone) {
    if (writer == Writer::kPeer) {
      if (auto status = check_room(*index); !status) return status.error();
    }
    const bool settled = *index != FamilyTable::kNone && families_->at(*index).description.type;
    if (!settled) index = families_->put(*index, std::move(description));
    slot = series_->add(*canonical, *index, now_());
    auto& family = families_->at(*index);
    family.slots.push_back(slot);
    if (writer == Writer::kPeer) ++peer_series_;
  }
  series_->remember(update.series, slot);
  apply(families_->at(series_->at(slot).family), series_->at(slot), update.verb, operands_);
  return series_->ref(slot);
}

Status Registry::clear(std::string_view name, Writer writer) {
  auto parsed = parse_series(name, limits_);
  if (!parsed) return parsed.error();
  if (!parsed->labels.empty()) {
    return Error{Reason::kBadSyntax, "clear wants the name of a metric family, got labels"};
  }
  const auto index = families_->find(parsed->name, std::nullopt);
  if (index == FamilyTable::kNone) return Done{};
  if (auto status = check_owner(families_->at(index).description, writer); !status) return status;
  auto& family = families_->at(index);
  if (family.description.owner == Writer::kPeer) peer_series_ -= family.slots.size();
  for (const auto slot : std::exchange(family.slots, {})) series_->remove(slot);
  return Done{};
}

Status Registry::remove(std::string_view text, Writer writer) {
  auto slot = series_->find(text);
  if (slot == SeriesStore::kNone) {
    auto series = parse_series(text, limits_);
    if (!series) return series.error();
    const auto index = families_->find(series->name, std::nullopt);
    if (index == FamilyTable::kNone) return Done{};
    auto canonical = canonicalise(families_->at(index).description, std::move(series->labels));
    if (!canonical) return canonical.error();
    slot = series_->find(canonical->text);
    if (slot == SeriesStore::kNone) return Done{};
  }
  const auto& family = families_->at(series_->at(slot).family);
  if (auto status = check_owner(family.description, writer); !status) return status;
  remove(slot);
  return Done{};
}

void Registry::remove(std::uint32_t slot) {
  const auto& entry = series_->at(slot);
  auto& family = families_->at(entry.family);
  const auto place = family.first_from(*series_, entry.sequence);
  assert(family.slots[place] == slot);
  family.slots.erase(family.slots.begin() + static_cast<std::ptrdiff_t>(place));
  if (family.description.owner == Writer::kPeer) --peer_series_;
  series_->remove(slot);
}

}  // namespace sidemeter
