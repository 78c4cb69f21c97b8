// Writes names outside the classic character set by one of the four schemes of
// Prometheus ("Content negotiation", escaping schemes).
#pragma once

#include <string>
#include <string_view>

#include "agent/format.h"

namespace sidemeter {

// Under kAllowUtf8 a name that is not classic comes quoted.
std::string escape_metric_name(std::string_view name, Escaping escaping);
std::string escape_label_name(std::string_view name, Escaping escaping);

}  // namespace sidemeter
