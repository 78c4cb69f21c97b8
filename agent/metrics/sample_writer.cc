#include "agent/metrics/sample_writer.h"

#include <algorithm>
#include <cassert>

#include "agent/metrics/escaping.h"
#include "agent/metrics/number_text.h"
#include "proto/series.h"

namespace sidemeter {
namespace {

void append_label(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += "=\"";
  append_escaped(out, value, Quotes::kEscape);
  out += '"';
}

// A text that the registry wrote itself is read again without any limit of a peer's.
Series read_own(std::string_view text) {
  PushLimits none;
  none.labels_per_series = none.label_value_bytes = none.name_bytes = text.size() + 1;
  auto series = parse_series(text, none);
  assert(series);
  return *std::move(series);
}

std::string_view text_type(MetricType type) {
  switch (type) {
    case MetricType::kInfo:
    case MetricType::kStateset: return "gauge";
    case MetricType::kUnknown: return "untyped";
    default: return word(type);
  }
}

void append_exemplar(std::string& out, const Exemplar& exemplar) {
  auto labels = exemplar.labels;
  std::sort(labels.begin(), labels.end(),
            [](const Label& a, const Label& b) { return a.name < b.name; });
  out += " # {";
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) out += ',';
    append_label(out, escape_label_name(labels[i].name, Escaping::kAllowUtf8), labels[i].value);
  }
  out += "} ";
  append_number(out, exemplar.value);
  if (!exemplar.timestamp) return;
  out += ' ';
  append_timestamp(out, *exemplar.timestamp);
}

}  // namespace

void SampleWriter::help_and_type(std::string& out, std::string_view name,
                                 const std::optional<std::string>& help,
                                 std::string_view type) const {
  const auto escaped = escape_metric_name(name, escaping_);
  if (help) {
    out += "# HELP " + escaped + ' ';
    append_escaped(out, *help, format_ == Format::kOpenMetrics ? Quotes::kEscape : Quotes::kKeep);
    out += '\n';
  }
  out += "# TYPE " + escaped + ' ';
  out += type;
  out += '\n';
}

void SampleWriter::metadata(std::string& out, const FamilyDescription& family) const {
  if (format_ != Format::kOpenMetrics) {
    help_and_type(out, family.name + std::string(key_suffix(family.type)), family.help,
                  text_type(*family.type));
    return;
  }
  help_and_type(out, family.name, family.help, word(*family.type));
  if (family.unit.empty()) return;
  out += "# UNIT " + escape_metric_name(family.name, escaping_) + ' ' + family.unit + '\n';
}

void SampleWriter::created_metadata(std::string& out, const FamilyDescription& family) const {
  help_and_type(out, family.name + "_created", family.help, "gauge");
}

void SampleWriter::sample(std::string& out, const FamilyDescription& family,
                          const SeriesText& series, const Sample& sample) const {
  name_and_labels(out, family, series, sample);
  out += ' ';
  append_number(out, sample.value);
  if (sample.exemplar != nullptr && format_ == Format::kOpenMetrics) {
    append_exemplar(out, *sample.exemplar);
  }
  out += '\n';
}

// http_request_seconds{code="200",method="GET"}          the text of the series
//                     ^ suffix    ^ insert_at
void SampleWriter::name_and_labels(std::string& out, const FamilyDescription& family,
                                   const SeriesText& series, const Sample& sample) const {
  const auto key = key_suffix(family.type);
  if (!series.classic || escaping_ == Escaping::kDots) {
    rewritten(out, family.name + std::string(sample.suffix), series, sample);
    return;
  }
  const auto& text = series.text;
  if (sample.label_name.empty() && sample.suffix == key) {
    out += text;
    return;
  }
  const auto labels_at = family.name.size() + key.size();
  out += family.name;
  out += sample.suffix;
  if (sample.label_name.empty()) {
    out += text.substr(labels_at);
    return;
  }
  if (labels_at == text.size()) {
    out += '{';
    append_label(out, sample.label_name, sample.label_value);
    out += '}';
    return;
  }
  const bool last = text[series.insert_at] == '}';
  out += text.substr(labels_at, series.insert_at - labels_at);
  if (last) out += ',';
  append_label(out, sample.label_name, sample.label_value);
  if (!last) out += ',';
  out += text.substr(series.insert_at);
}

// Where a name must be escaped every label is written anew.
void SampleWriter::rewritten(std::string& out, std::string_view name, const SeriesText& series,
                             const Sample& sample) const {
  auto labels = read_own(series.text).labels;
  if (!sample.label_name.empty()) {
    labels.push_back({std::string(sample.label_name), std::string(sample.label_value)});
  }
  std::sort(labels.begin(), labels.end(),
            [](const Label& a, const Label& b) { return a.name < b.name; });
  const bool name_inside = escaping_ == Escaping::kAllowUtf8 && !is_classic_metric_name(name);
  const auto escaped = escape_metric_name(name, escaping_);
  out += name_inside ? '{' + escaped : escaped;
  if (labels.empty()) {
    if (name_inside) out += '}';
    return;
  }
  char before = name_inside ? ',' : '{';
  for (const auto& label : labels) {
    out += before;
    append_label(out, escape_label_name(label.name, escaping_), label.value);
    before = ',';
  }
  out += '}';
}

}  // namespace sidemeter
