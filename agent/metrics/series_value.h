// What an update does to the value of one series.
#pragma once

#include "agent/metrics/family.h"
#include "agent/metrics/series_store.h"
#include "proto/operands.h"
#include "proto/record.h"
#include "proto/result.h"

namespace sidemeter {

// Whether families of this description take the verb with these operands. Reasons: kTypeConflict,
// kUnknownState, kBadValue (a merge with another number of counts).
Status check_operands(const FamilyDescription& family, Verb verb, const Operands& operands);

// Applies operands that check_operands() has passed; of a gauge to the one value that its series
// has in the modes last and all.
void apply(const Family& family, SeriesEntry& entry, Verb verb, const Operands& operands);

// The same to a gauge's value, wherever it is kept.
void apply_to_gauge(double& value, const Operands& operands);

// What a series of a gauge exposes.
double gauge_value(const Family& family, const SeriesEntry& entry);

}  // namespace sidemeter
