#include "agent/metrics/series_value.h"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace sidemeter {
namespace {

bool takes(MetricType type, Verb verb) {
  switch (verb) {
    case Verb::kCounter: return type == MetricType::kCounter;
    case Verb::kGauge: return type == MetricType::kGauge || type == MetricType::kUnknown;
    case Verb::kHistogram: return type == MetricType::kHistogram;
    case Verb::kSummary: return type == MetricType::kSummary;
    case Verb::kMerge: return type == MetricType::kHistogram || type == MetricType::kSummary;
    case Verb::kInfo: return type == MetricType::kInfo;
    case Verb::kStateset: return type == MetricType::kStateset;
    case Verb::kRemove:
    case Verb::kClear: return true;
  }
  return false;
}

std::size_t bucket_count(const FamilyDescription& family) {
  if (family.type == MetricType::kSummary) return 1;
  return (family.buckets ? family.buckets->size() : default_buckets().size()) + 1;
}

Status check_state(const FamilyDescription& family, std::string_view state) {
  const auto& states = family.states;
  if (std::find(states.begin(), states.end(), state) != states.end()) return Done{};
  std::string wanted;
  for (const auto& known : states) wanted += (wanted.empty() ? "" : ", ") + known;
  if (states.empty()) wanted = "# STATES to be declared first";
  return Error{Reason::kUnknownState, "stateset \"" + family.given + "\" wants " + wanted +
                                          ", got \"" + std::string(state) + "\""};
}

SeriesDetail& distribution(SeriesEntry& entry, std::size_t buckets) {
  if (!entry.detail) entry.detail = std::make_unique<SeriesDetail>();
  entry.detail->counts.resize(buckets);
  return *entry.detail;
}

void keep_exemplar(SeriesEntry& entry, std::size_t bucket, std::size_t buckets,
                   const std::optional<Exemplar>& exemplar) {
  if (!exemplar) return;
  if (!entry.detail) entry.detail = std::make_unique<SeriesDetail>();
  entry.detail->exemplars.resize(buckets);
  entry.detail->exemplars[bucket] = exemplar;
}

void observe(const Family& family, SeriesEntry& entry, const Operands& operands) {
  // A summary has no bounds, so that everything falls into its one count.
  const auto buckets = bucket_count(family.description);
  auto& detail = distribution(entry, buckets);
  for (const auto& observation : operands.observations) {
    const auto bound =
        std::lower_bound(family.buckets.begin(), family.buckets.end(), observation.value);
    const auto bucket = static_cast<std::size_t>(bound - family.buckets.begin());
    detail.counts[bucket] += observation.count;
    detail.sum += observation.value * observation.count;
    keep_exemplar(entry, bucket, buckets, operands.exemplar);
  }
}

void merge(const Family& family, SeriesEntry& entry, const Operands& operands) {
  auto& detail = distribution(entry, bucket_count(family.description));
  for (std::size_t i = 0; i < operands.counts.size(); ++i) detail.counts[i] += operands.counts[i];
  detail.sum += operands.value;
}

}  // namespace

Status check_operands(const FamilyDescription& family, Verb verb, const Operands& operands) {
  const auto type = family.type.value_or(MetricType::kUnknown);
  if (!takes(type, verb)) {
    return Error{Reason::kTypeConflict, "\"" + family.given + "\" is a metric family of type " +
                                            std::string(word(type)) + ", which verb \"" +
                                            std::string(word(verb)) + "\" does not update"};
  }
  if (verb == Verb::kStateset) return check_state(family, operands.state);
  if (verb == Verb::kMerge && operands.counts.size() != bucket_count(family)) {
    return Error{Reason::kBadValue, "a merge into \"" + family.given + "\" wants " +
                                        std::to_string(bucket_count(family)) + " counts, got " +
                                        std::to_string(operands.counts.size())};
  }
  return Done{};
}

void apply_to_gauge(double& value, const Operands& operands) {
  const bool add = operands.operation == Operands::GaugeOperation::kAdd;
  value = add ? value + operands.value : operands.value;
}

double gauge_value(const Family& family, const SeriesEntry& entry) {
  return entry.own_values ? entry.own_values->gathered(family.mode.rule) : entry.value;
}

void apply(const Family& family, SeriesEntry& entry, Verb verb, const Operands& operands) {
  switch (verb) {
    case Verb::kCounter:
      entry.value += operands.value;
      keep_exemplar(entry, 0, 1, operands.exemplar);
      return;
    case Verb::kGauge: return apply_to_gauge(entry.value, operands);
    case Verb::kHistogram:
    case Verb::kSummary: observe(family, entry, operands); return;
    case Verb::kMerge: merge(family, entry, operands); return;
    case Verb::kInfo: entry.value = 1; return;
    case Verb::kStateset: {
      const auto& states = family.description.states;
      const auto state = std::find(states.begin(), states.end(), operands.state);
      entry.value = static_cast<double>(state - states.begin());
      return;
    }
    case Verb::kRemove:
    case Verb::kClear: assert(false);
  }
}

}  // namespace sidemeter
