// The canonical spelling of a series: what makes two records mean the same one,
// and what an exposition copies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/metrics/family.h"
#include "proto/limits.h"
#include "proto/result.h"
#include "proto/series.h"

namespace sidemeter {

// http_requests_total{code="200",method="GET"}
//                                ^ insert_at: where `le` (or a stateset's own label) belongs
struct CanonicalSeries {
  std::string text;  // labels sorted by name (behaviour 15)
  std::uint32_t insert_at = 0;
  bool classic = true;  // name and label names: every scheme but dots writes `text`
};

// The label that a family's samples add to a series' own: "le", the name of a stateset, or none.
std::string_view sample_label(const FamilyDescription& family);

// In the modes all and liveall a process has its own series, by the label `pid`. It is the
// agent's to give: kBadLabel where the peer has given one.
Result<std::vector<Label>> with_pid(const FamilyDescription& family, std::vector<Label> labels,
                                    std::string_view pid);

// Reasons: kBadLabel (a label twice, `le`, `quantile`, two names that escape alike).
Result<CanonicalSeries> canonicalise(const FamilyDescription& family, std::vector<Label> labels);

}  // namespace sidemeter
