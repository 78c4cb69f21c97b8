// The process's limit of open files.
#pragma once

#include <cstdint>

namespace sidemeter {

// Raises the soft limit toward the hard one where it is below `wanted`. Answers with the limit
// that now stands.
std::uint64_t raise_descriptor_limit(std::uint64_t wanted);

}  // namespace sidemeter
