#include "agent/metrics/registry.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/metrics/family_table.h"
#include "agent/metrics/label_set.h"
#include "agent/metrics/series_table.h"
#include "agent/metrics/series_value.h"
#include "agent/metrics/writer_table.h"

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

inline Status check_owner(const FamilyDescription& family, const Writer& writer) {
  if (family.owner == writer.kind()) [[likely]]
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
  if (was.effective_mode() != is.effective_mode()) what = "mode";
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
      writers_(std::make_unique<WriterTable>()),
      series_(std::make_unique<SeriesTable>(limits, *families_, *writers_)) {}

Registry::~Registry() = default;

const SeriesStore& Registry::series() const { return series_->store(); }

const std::map<std::string, std::uint64_t, std::less<>>& Registry::overflow() const {
  return series_->overflow();
}

RegistryCounts Registry::counts() const {
  return {families_->count(), series_->count(), series_->idle_count(), series_->evicted(),
          series_->gauge_values()};
}

std::uint32_t Registry::prepare(std::string_view series) const {
  const auto hash = text_hash(series);
  series_->store().prefetch(hash);
  return hash;
}

bool Registry::holds(SeriesRef ref) const { return series_->store().holds(ref); }

Registry::Sweep Registry::sweep(std::uint64_t now_seconds) {
  const auto swept = series_->sweep(static_cast<std::uint32_t>(now_seconds));
  return swept == SeriesTable::Sweep::kMore ? Sweep::kMore : Sweep::kDone;
}

void Registry::leave(Writer& writer) { series_->leave(writer); }

Status Registry::declare(const Declaration& declaration) { return declare(declaration, program_); }

Status Registry::declare(const Declaration& declaration, const Writer& writer) {
  const auto index = families_->find(declaration.name, declaration.type);
  FamilyDescription was;
  was.given = declaration.name;
  was.owner = writer.kind();
  if (index != FamilyTable::kNone) was = families_->at(index).description;
  if (auto status = check_owner(was, writer); !status) return status;

  auto is = declared(was, declaration);
  if (!is) return is.error();
  if (index != FamilyTable::kNone && !families_->at(index).slots.empty()) {
    if (auto status = check_unchanged(was, *is); !status) return status;
    auto& description = families_->at(index).description;
    description.help = is->help;
    description.ttl_seconds = is->ttl_seconds;
  } else if (auto put = families_->put(index, *std::move(is)); !put) {
    return put.error();
  }
  if (declaration.ttl_seconds) series_->await_idle();
  return Done{};
}

Result<SeriesRef> Registry::update(const Update& update) { return this->update(update, program_); }

bool Registry::update_known(const Update& update, std::uint32_t prepared, const Writer& writer) {
  const auto slot = series_->store().find(update.series, prepared);
  if (slot == SeriesStore::kNone) return false;
  auto& entry = series_->store().at(slot);
  auto& family = families_->at(entry.family);
  if (!family.takes_plainly(update.verb) || writer.kind() != Writer::Kind::kPeer) return false;
  if (!parse_operands(update.verb, update.operands, limits_, operands_)) return false;
  sidemeter::apply(family, entry, update.verb, operands_);
  series_->touch(entry);
  ++family.records;
  return true;
}

Result<SeriesRef> Registry::update(const Update& update, Writer& writer) {
  if (auto read = parse_operands(update.verb, update.operands, limits_, operands_); !read) {
    return read.error();
  }
  if (update.verb == Verb::kClear || update.verb == Verb::kRemove) {
    const auto gone =
        update.verb == Verb::kClear ? clear(update.series, writer) : remove(update.series, writer);
    if (!gone) return gone.error();
    return SeriesRef{};
  }
  const auto slot = series_->store().find(update.series);
  if (slot == SeriesStore::kNone) return create(update, writer);

  const auto& family = families_->at(series_->store().at(slot).family);
  if (auto status = check_owner(family.description, writer); !status) return status.error();
  // Which series this text means depends on who writes it.
  if (family.mode.rule == GaugeMode::Rule::kAll) [[unlikely]]
    return create(update, writer);
  if (auto status = check_update(family.description, update, operands_); !status) {
    return status.error();
  }
  if (auto status = apply(slot, update.verb, writer); !status) return status.error();
  return series_->store().ref(slot);
}

Status Registry::update(SeriesRef ref, Verb verb, std::string_view operands, Writer& writer) {
  assert(holds(ref));
  if (auto read = parse_operands(verb, operands, limits_, operands_); !read) return read;
  const auto& family = families_->at(series_->store().at(ref.slot).family);
  if (auto status = check_owner(family.description, writer); !status) return status;
  if (verb == Verb::kRemove) {
    series_->remove(ref.slot);
    return Done{};
  }
  if (auto status = check_operands(family.description, verb, operands_); !status) return status;
  return apply(ref.slot, verb, writer);
}

// Operands that have been checked, to the value that the series has or this writer keeps in it.
Status Registry::apply(std::uint32_t slot, Verb verb, Writer& writer) {
  auto& entry = series_->store().at(slot);
  auto& family = families_->at(entry.family);
  if (gathers(family.mode)) [[unlikely]] {
    if (auto status = series_->check_own_value(slot, writer); !status) return status;
    apply_to_gauge(series_->own_value(slot, writer), operands_);
  } else {
    sidemeter::apply(family, entry, verb, operands_);
  }
  series_->touch(entry);
  ++family.records;
  return Done{};
}

// The family that the record means, or would make: its index (kNone) and, in `description`,
// what it is then.
Result<std::uint32_t> Registry::family_for(Verb verb, std::string_view name, const Writer& writer,
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
    description.owner = writer.kind();
  }
  auto first_use = typed(std::move(description), *type);
  if (!first_use) return Error{Reason::kTypeConflict, first_use.error().message};
  description = *std::move(first_use);
  if (auto status = families_->check(index, description); !status) return status.error();
  return index;
}

// The slow way: reads the labels, and makes the series unless another spelling of it stands.
Result<SeriesRef> Registry::create(const Update& update, Writer& writer) {
  const bool own = writer.kind() == Writer::Kind::kAgent;
  auto series = parse_series(update.series, own ? kOwnLimits : limits_);
  if (!series) return series.error();
  FamilyDescription description;
  auto index = family_for(update.verb, series->name, writer, description);
  if (!index) return index.error();
  if (auto status = check_update(description, update, operands_); !status) return status.error();
  const bool for_each_process = description.effective_mode().rule == GaugeMode::Rule::kAll;
  Result<std::vector<Label>> labels(std::move(series->labels));
  if (for_each_process) {
    labels = with_pid(description, *std::move(labels), writers_->pid_label(writer));
    if (!labels) return labels.error();
  }
  auto canonical = canonicalise(description, *std::move(labels));
  if (!canonical) return canonical.error();

  auto& store = series_->store();
  auto slot = store.find(canonical->text);
  if (slot == SeriesStore::kNone) {
    if (auto status = series_->make_room(*index, description, writer); !status) {
      return status.error();
    }
    const bool settled = *index != FamilyTable::kNone && families_->at(*index).description.type;
    if (!settled) index = families_->put(*index, std::move(description));
    slot = series_->add(*canonical, *index, now_(), writer);
  } else if (for_each_process && !series_->is_made_by(slot, writer)) {
    // A process that is gone had this number: what it left is nothing to add to.
    series_->give(slot, writer);
    store.at(slot).value = 0;
  }
  if (!for_each_process) store.remember(update.series, slot);
  if (auto status = apply(slot, update.verb, writer); !status) return status.error();
  return store.ref(slot);
}

Status Registry::clear(std::string_view name, const Writer& writer) {
  auto parsed = parse_series(name, limits_);
  if (!parsed) return parsed.error();
  if (!parsed->labels.empty()) {
    return Error{Reason::kBadSyntax, "clear wants the name of a metric family, got labels"};
  }
  const auto index = families_->find(parsed->name, std::nullopt);
  if (index == FamilyTable::kNone) return Done{};
  if (auto status = check_owner(families_->at(index).description, writer); !status) return status;
  series_->remove(families_->at(index).slots);
  return Done{};
}

// Of a gauge with a series a process: the writer's own, unless the text names another's `pid`.
Result<std::string> Registry::canonical_text(std::string_view text, Writer& writer) {
  auto series = parse_series(text, limits_);
  if (!series) return series.error();
  const auto index = families_->find(series->name, std::nullopt);
  if (index == FamilyTable::kNone) return std::string();
  const auto& family = families_->at(index).description;
  if (family.effective_mode().rule == GaugeMode::Rule::kAll) {
    auto own = with_pid(family, series->labels, writers_->pid_label(writer));
    if (own) series->labels = *std::move(own);
  }
  auto canonical = canonicalise(family, std::move(series->labels));
  if (!canonical) return canonical.error();
  return std::move(canonical->text);
}

Status Registry::remove(std::string_view text, Writer& writer) {
  auto slot = series_->store().find(text);
  if (slot == SeriesStore::kNone) {
    const auto canonical = canonical_text(text, writer);
    if (!canonical) return canonical.error();
    slot = series_->store().find(*canonical);
    if (slot == SeriesStore::kNone) return Done{};
  }
  const auto& family = families_->at(series_->store().at(slot).family);
  if (auto status = check_owner(family.description, writer); !status) return status;
  series_->remove(slot);
  return Done{};
}

}  // namespace sidemeter
