// The JSON form of records (PROTOCOL.md, "JSON"): one object, or an array of
// objects, each a record of its own.
#pragma once

#include <functional>
#include <string_view>

#include "proto/limits.h"
#include "proto/record.h"
#include "proto/result.h"

namespace sidemeter {

// Calls `each` once for each record of `text`, in order: with the record, or
// with why that one is refused (kBadJson: not JSON, an unknown key, a key twice, a
// wrong kind of value; otherwise as in line form). Text that is not JSON at all is one refusal.
// Updates are rendered in line form, with views that are valid during the call.
void parse_json_records(std::string_view text, const PushLimits& limits,
                        const std::function<void(Result<Record>)>& each);

}  // namespace sidemeter
