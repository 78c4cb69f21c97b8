// All families in order of registration, and the names they have taken.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/metrics/family.h"
#include "proto/limits.h"

namespace sidemeter {

class FamilyTable {
 public:
  // `limits` must outlive the table.
  explicit FamilyTable(const PushLimits& limits) : limits_(limits) {}

  static constexpr std::uint32_t kNone = UINT32_MAX;

  // The family that records with this name mean, if it is of (or may become) this type: `type`
  // decides whether "x_total" is a counter "x".
  std::uint32_t find(std::string_view name, std::optional<MetricType> type) const;

  // Puts `description` in the place of family `index`, or adds one for kNone. Reasons:
  // kNameCollision, kFamilyLimit. Answers with its index.
  Result<std::uint32_t> put(std::uint32_t index, FamilyDescription description);

  // Whether put() would succeed.
  Status check(std::uint32_t index, const FamilyDescription& description) const;

  Family& at(std::uint32_t index) { return *families_[index]; }
  const Family& at(std::uint32_t index) const { return *families_[index]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(families_.size()); }
  std::size_t count() const { return peers_; }

 private:
  std::uint32_t owner(std::string_view name) const;

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };

  const PushLimits& limits_;
  std::vector<std::unique_ptr<Family>> families_;  // whose places stay
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> claims_;
  std::size_t peers_ = 0;
};

}  // namespace sidemeter
