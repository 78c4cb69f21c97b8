// A metric family: what is declared of it, and its series in order of creation.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/metrics/writer.h"
#include "proto/record.h"
#include "proto/result.h"

namespace sidemeter {

class SeriesStore;

// A value: what a declaration can say, and a first use implies.
struct FamilyDescription {
  // As the peer knows it, without _total or _info; `name` has the unit appended
  // where it was not its suffix, and is what is exposed.
  std::string given;
  std::string name;

  std::optional<MetricType> type;  // not known before TYPE or the first use
  std::optional<std::string> help;
  std::string unit;
  std::optional<std::vector<double>> buckets;
  std::optional<GaugeMode> mode;
  std::vector<std::string> states;
  std::optional<std::uint32_t> ttl_seconds;  // 0: never

  Writer::Kind owner = Writer::Kind::kPeer;

  // What its series are kept by.
  GaugeMode effective_mode() const { return mode.value_or(GaugeMode{}); }
};

// Behaviour 23.
const std::vector<double>& default_buckets();

// The suffix by which every series of the type is written ("_total", "_info", "").
std::string_view key_suffix(std::optional<MetricType> type);

// `name` as the family's own: "x_total" is "x" where type is counter.
std::string_view without_key_suffix(std::string_view name, std::optional<MetricType> type);

// Every name that another family must not have: the family's and its samples', raw
// and as escaping writes them (behaviour 22: no series twice, by any scheme).
std::vector<std::string> claimed_names(const FamilyDescription& family);

// Whether records that say `name` mean this family.
bool answers_to(const FamilyDescription& family, std::string_view name);

// What `declaration` makes of `family`. Reasons: kTypeConflict, kDeclarationConflict.
Result<FamilyDescription> declared(FamilyDescription family, const Declaration& declaration);

// Gives a family without a type the type of its first use.
Result<FamilyDescription> typed(FamilyDescription family, MetricType type);

struct Family {
  FamilyDescription description;

  // The bounds as text, "+Inf" last: shared with expositions that are under way.
  std::shared_ptr<const std::vector<std::string>> bounds;
  std::vector<double> buckets;
  GaugeMode mode;

  // Whether a peer's update by this verb is right if its operands are: neither the mode nor who
  // writes makes a difference, and no state or number of counts has to be looked up.
  bool takes_plainly(Verb verb) const { return verb == plain_verb; }
  std::optional<Verb> plain_verb;

  std::uint64_t records = 0;  // applied, of series that are gone too
  std::size_t idle = 0;       // of its series: hidden

  // Slots of the series store, by rising sequence.
  std::vector<std::uint32_t> slots;

  // Which of `slots` is the first whose series has this sequence or a higher one.
  std::size_t first_from(const SeriesStore& store, std::uint64_t sequence) const;

  // Brings what follows from the description up to it.
  void settle();
};

}  // namespace sidemeter
