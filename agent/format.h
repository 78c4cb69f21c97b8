// What an exposition can look like: agreed between a scraper's Accept header
// (agent/http) and the renderer (agent/metrics), which do not know each other.
#pragma once

#include <cstdint>
#include <string_view>

namespace sidemeter {

enum class Format : std::uint8_t {
  kText004,      // text/plain; version=0.0.4
  kText100,      // text/plain; version=1.0.0
  kOpenMetrics,  // application/openmetrics-text; version=1.0.0
};

// How names outside the classic character set are written
// (Prometheus, "Content negotiation", escaping schemes).
enum class Escaping : std::uint8_t { kAllowUtf8, kUnderscores, kDots, kValues };

constexpr std::string_view word(Escaping escaping) {
  switch (escaping) {
    case Escaping::kAllowUtf8: return "allow-utf-8";
    case Escaping::kDots: return "dots";
    case Escaping::kValues: return "values";
    case Escaping::kUnderscores: break;
  }
  return "underscores";
}

}  // namespace sidemeter
