// A tiny language for tests of the registry: records in, exposition out.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "agent/metrics/exposition.h"
#include "agent/metrics/registry.h"
#include "proto/record.h"

namespace sidemeter {

struct Metrics {
  PushLimits limits;
  double now = 1'700'000'000;
  Registry registry{limits, [this] { return now; }};
  Writer program{registry};

  // "" where the record was accepted, else the word of the reason.
  std::string apply(std::string_view line) { return apply(line, program); }
  std::string apply(std::string_view line, Writer& writer) {
    const auto record = parse_record(line, limits);
    if (!record) return std::string(word(record.error().reason));
    if (const auto* declaration = std::get_if<Declaration>(&*record)) {
      const auto status = registry.declare(*declaration, writer);
      return status ? "" : std::string(word(status.error().reason));
    }
    const auto* update = std::get_if<Update>(&*record);
    if (update == nullptr) return "not an update";
    const auto applied = registry.update(*update, writer);
    return applied ? "" : std::string(word(applied.error().reason));
  }

  std::string render(ExpositionOptions options = {}) const {
    Exposition exposition(registry, std::move(options));
    std::string out;
    while (exposition.next(out) == Exposition::State::kMore) {
    }
    return out;
  }

  std::string open_metrics(Escaping escaping = Escaping::kUnderscores) const {
    return render({.format = Format::kOpenMetrics, .escaping = escaping, .sample_names = {}});
  }
};

}  // namespace sidemeter
