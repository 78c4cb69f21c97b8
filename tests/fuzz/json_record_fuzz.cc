// JSON that is taken gives records whose texts the line form takes too, and views that can be read.
#include <cstdint>
#include <cstdlib>
#include <variant>

#include "proto/json_record.h"
#include "proto/series.h"
#include "proto/utf8.h"

using namespace sidemeter;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const PushLimits limits;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!is_json(text)) return 0;
  parse_json_records(text, limits, [&](const Result<Record>& record) {
    if (!record) {
      if (record.error().message.empty()) std::abort();
      return;
    }
    const auto* update = std::get_if<Update>(&*record);
    if (update == nullptr) return;
    if (find_fault(update->series) != TextFault::kNone) std::abort();
    if (series_length(update->series) != update->series.size()) std::abort();
  });
  return 0;
}
