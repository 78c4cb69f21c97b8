#include "agent/metrics/family.h"

#include <algorithm>

#include "agent/metrics/escaping.h"
#include "agent/metrics/number_text.h"
#include "agent/metrics/series_store.h"
#include "proto/series.h"

namespace sidemeter {
namespace {

bool ends_with_word(std::string_view name, std::string_view suffix) {
  return name.size() > suffix.size() && name.ends_with(suffix);
}

std::vector<std::string_view> sample_suffixes(std::optional<MetricType> type) {
  switch (type.value_or(MetricType::kUnknown)) {
    case MetricType::kCounter: return {"_total", "_created"};
    case MetricType::kHistogram: return {"_bucket", "_sum", "_count", "_created"};
    case MetricType::kSummary: return {"_sum", "_count", "_created"};
    case MetricType::kInfo: return {"_info"};
    default: return {};
  }
}

Error conflict(const FamilyDescription& family, const std::string& words) {
  return {Reason::kDeclarationConflict, "metric family \"" + family.given + "\" " + words};
}

// The exposed name: the unit is the name's suffix or is appended (OpenMetrics 1.0, "Unit").
void name_with_unit(FamilyDescription& family) {
  family.name = family.given;
  if (family.unit.empty() || ends_with_word(family.given, "_" + family.unit)) return;
  family.name += "_" + family.unit;
}

// What only some types can have.
Result<FamilyDescription> consistent(FamilyDescription family) {
  name_with_unit(family);
  if (!family.type) return family;
  const auto type = *family.type;
  const std::string is = "is of type " + std::string(word(type)) + " and cannot have ";
  const bool unitless = type == MetricType::kInfo || type == MetricType::kStateset;
  if (!family.unit.empty() && unitless) return conflict(family, is + "a unit");
  if (family.buckets && type != MetricType::kHistogram) return conflict(family, is + "buckets");
  if (family.mode && type != MetricType::kGauge) return conflict(family, is + "a mode");
  if (!family.states.empty() && type != MetricType::kStateset)
    return conflict(family, is + "states");
  return family;
}

std::optional<Verb> plain_verb_of(const FamilyDescription& family) {
  if (family.owner != Writer::Kind::kPeer || !family.type) return std::nullopt;
  switch (*family.type) {
    case MetricType::kCounter: return Verb::kCounter;
    case MetricType::kHistogram: return Verb::kHistogram;
    case MetricType::kSummary: return Verb::kSummary;
    case MetricType::kUnknown:
    case MetricType::kGauge: break;
    default: return std::nullopt;
  }
  if (family.effective_mode() != GaugeMode{}) return std::nullopt;
  return Verb::kGauge;
}

}  // namespace

const std::vector<double>& default_buckets() {
  static const std::vector<double> buckets = {.005, .01, .025, .05, .075, .1,  .25,
                                              .5,   .75, 1,    2.5, 5,    7.5, 10};
  return buckets;
}

std::string_view key_suffix(std::optional<MetricType> type) {
  if (type == MetricType::kCounter) return "_total";
  if (type == MetricType::kInfo) return "_info";
  return "";
}

std::string_view without_key_suffix(std::string_view name, std::optional<MetricType> type) {
  const auto suffix = key_suffix(type);
  if (!suffix.empty() && ends_with_word(name, suffix)) name.remove_suffix(suffix.size());
  return name;
}

std::vector<std::string> claimed_names(const FamilyDescription& family) {
  std::vector<std::string> raw = {family.name};
  for (const auto suffix : sample_suffixes(family.type))
    raw.push_back(family.name + std::string(suffix));
  if (family.given != family.name) {
    raw.push_back(family.given);
    raw.push_back(family.given + std::string(key_suffix(family.type)));
  }
  auto names = raw;
  for (const auto& name : raw) {
    if (is_classic_metric_name(name)) continue;
    names.push_back(escape_metric_name(name, Escaping::kUnderscores));
    names.push_back(escape_metric_name(name, Escaping::kValues));
  }
  return names;
}

bool answers_to(const FamilyDescription& family, std::string_view name) {
  const auto base = without_key_suffix(name, family.type);
  return name == family.given || name == family.name || base == family.given || base == family.name;
}

Result<FamilyDescription> declared(FamilyDescription family, const Declaration& declaration) {
  if (declaration.type) {
    family.type = declaration.type;
    family.given = without_key_suffix(family.given, family.type);
  }
  if (declaration.help) family.help = declaration.help;
  if (declaration.unit) family.unit = *declaration.unit;
  if (declaration.buckets) family.buckets = declaration.buckets;
  if (declaration.mode) family.mode = declaration.mode;
  if (declaration.ttl_seconds) family.ttl_seconds = declaration.ttl_seconds;
  if (declaration.states) family.states = *declaration.states;
  return consistent(std::move(family));
}

Result<FamilyDescription> typed(FamilyDescription family, MetricType type) {
  family.type = type;
  family.given = without_key_suffix(family.given, type);
  return consistent(std::move(family));
}

std::size_t Family::first_from(const SeriesStore& store, std::uint64_t sequence) const {
  const auto first = std::partition_point(slots.begin(), slots.end(), [&](std::uint32_t slot) {
    return store.at(slot).sequence < sequence;
  });
  return static_cast<std::size_t>(first - slots.begin());
}

void Family::settle() {
  mode = description.effective_mode();
  plain_verb = plain_verb_of(description);
  if (description.type != MetricType::kHistogram) return;
  buckets = description.buckets.value_or(default_buckets());
  auto texts = std::make_shared<std::vector<std::string>>();
  for (const double bound : buckets) append_number(texts->emplace_back(), bound);
  texts->emplace_back("+Inf");
  bounds = std::move(texts);
}

}  // namespace sidemeter
