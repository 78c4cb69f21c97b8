// Whatever is read as a series and written again is read as the same series, and operands that are
// taken are never what their verb forbids.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <variant>

#include "proto/operands.h"
#include "proto/record.h"
#include "proto/series.h"

using namespace sidemeter;

namespace {

std::string written(const Series& series) {
  const auto quoted = [](std::string_view text) {
    std::string out = "\"";
    append_escaped(out, text, Quotes::kEscape);
    return out + '"';
  };
  std::string out = '{' + quoted(series.name);
  for (const auto& label : series.labels)
    out += ',' + quoted(label.name) + '=' + quoted(label.value);
  return out + '}';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const PushLimits limits;
  const auto record = parse_record({reinterpret_cast<const char*>(data), size}, limits);
  if (!record) return 0;
  const auto* update = std::get_if<Update>(&*record);
  if (update == nullptr) return 0;
  const auto series = parse_series(update->series, limits);
  if (series) {
    const auto again = parse_series(written(*series), limits);
    if (!again || again->name != series->name || again->labels != series->labels) std::abort();
  }
  Operands operands;
  if (!parse_operands(update->verb, update->operands, limits, operands)) return 0;
  // However quickly a line was cut, what is taken was cut where its series ends.
  if (series && series_length(update->series) != update->series.size()) std::abort();
  if (update->verb == Verb::kCounter && !(operands.value >= 0 && std::isfinite(operands.value)))
    std::abort();
  if (update->verb == Verb::kHistogram && operands.observations.empty()) std::abort();
  return 0;
}
