#include "agent/metrics/family_table.h"

namespace sidemeter {

std::uint32_t FamilyTable::owner(std::string_view name) const {
  const auto claim = claims_.find(name);
  return claim == claims_.end() ? kNone : claim->second;
}

std::uint32_t FamilyTable::find(std::string_view name, std::optional<MetricType> type) const {
  const auto exact = owner(name);
  if (exact != kNone && answers_to(at(exact).description, name)) return exact;

  // HELP x, then `c x_total`; or HELP x_total, then `c x`: one family whose type was not known.
  const auto suffix = key_suffix(type);
  if (suffix.empty()) return kNone;
  const auto base = without_key_suffix(name, type);
  const auto other =
      base.size() < name.size() ? owner(base) : owner(std::string(name) + std::string(suffix));
  if (other == kNone) return kNone;
  const auto& description = at(other).description;
  const bool open = !description.type || description.type == type;
  return open && without_key_suffix(description.given, type) == base ? other : kNone;
}

Status FamilyTable::check(std::uint32_t index, const FamilyDescription& description) const {
  if (index == kNone && description.owner == Writer::Kind::kPeer && peers_ >= limits_.families) {
    return Error{Reason::kFamilyLimit, "no more than " + std::to_string(limits_.families) +
                                           " metric families, and \"" + description.given +
                                           "\" would be one more"};
  }
  for (const auto& name : claimed_names(description)) {
    const auto holder = owner(name);
    if (holder == kNone || holder == index) continue;
    return Error{Reason::kNameCollision,
                 "metric family \"" + description.given + "\" would be exposed as \"" + name +
                     "\", which is taken by \"" + at(holder).description.name + "\""};
  }
  return Done{};
}

Result<std::uint32_t> FamilyTable::put(std::uint32_t index, FamilyDescription description) {
  if (auto status = check(index, description); !status) return status.error();
  if (index == kNone) {
    index = size();
    families_.push_back(std::make_unique<Family>());
    if (description.owner == Writer::Kind::kPeer) ++peers_;
  } else {
    for (const auto& name : claimed_names(at(index).description)) claims_.erase(name);
  }
  for (auto& name : claimed_names(description)) claims_[std::move(name)] = index;
  auto& family = at(index);
  family.description = std::move(description);
  family.settle();
  return index;
}

}  // namespace sidemeter
