// The program's version, set once in CMakeLists.txt.
#pragma once

#include <string_view>

#ifndef SIDEMETER_VERSION
#error "SIDEMETER_VERSION is defined by CMakeLists.txt"
#endif

namespace sidemeter {

inline constexpr std::string_view kVersion = SIDEMETER_VERSION;

}  // namespace sidemeter
