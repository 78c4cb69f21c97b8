// Writes the lines of an exposition: metadata and samples, in one format and by
// one escaping scheme.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/format.h"
#include "agent/metrics/family.h"
#include "proto/operands.h"

namespace sidemeter {

// The spelling of a series, as the store keeps it or copied from there.
struct SeriesText {
  std::string_view text;
  std::uint32_t insert_at;
  bool classic;
};

struct Sample {
  std::string_view suffix = {};       // "_total", "_bucket", …
  std::string_view label_name = {};   // what the sample adds to the labels; empty: none
  std::string_view label_value = {};  // not escaped
  double value = 0;
  const Exemplar* exemplar = nullptr;
};

class SampleWriter {
 public:
  SampleWriter(Format format, Escaping escaping) : format_(format), escaping_(escaping) {}

  // HELP where there is one, TYPE, and in OpenMetrics UNIT. The family's type is known.
  void metadata(std::string& out, const FamilyDescription& family) const;

  // The same for the family of its _created samples in text formats.
  void created_metadata(std::string& out, const FamilyDescription& family) const;

  void sample(std::string& out, const FamilyDescription& family, const SeriesText& series,
              const Sample& sample) const;

 private:
  void help_and_type(std::string& out, std::string_view name,
                     const std::optional<std::string>& help, std::string_view type) const;
  void name_and_labels(std::string& out, const FamilyDescription& family, const SeriesText& series,
                       const Sample& sample) const;
  void rewritten(std::string& out, std::string_view name, const SeriesText& series,
                 const Sample& sample) const;

  Format format_;
  Escaping escaping_;
};

}  // namespace sidemeter
