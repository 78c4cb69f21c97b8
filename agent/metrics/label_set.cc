#include "agent/metrics/label_set.h"

#include <algorithm>
#include <set>

#include "agent/metrics/escaping.h"

namespace sidemeter {
namespace {

constexpr const char* kPid = "pid";

Error bad_label(std::string message) { return {Reason::kBadLabel, std::move(message)}; }

Status check_reserved(const FamilyDescription& family, std::string_view label) {
  const bool quantile = family.type == MetricType::kSummary && label == "quantile";
  if (label != sample_label(family) && !quantile) return Done{};
  return bad_label("label \"" + std::string(label) + "\" is kept for the samples of " +
                   std::string(word(*family.type)) + " \"" + family.given + "\"");
}

// Two names that underscores would make one would make two series one.
Status check_escaped(const std::vector<Label>& labels) {
  std::set<std::string> escaped;
  for (const auto& label : labels) {
    if (escaped.insert(escape_label_name(label.name, Escaping::kUnderscores)).second) continue;
    return bad_label("label \"" + label.name +
                     "\" would be escaped like another label of the series");
  }
  return Done{};
}

Status check(const FamilyDescription& family, const std::vector<Label>& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (auto status = check_reserved(family, labels[i].name); !status) return status;
    if (i > 0 && labels[i].name == labels[i - 1].name) {
      return bad_label("label \"" + labels[i].name + "\" is given twice");
    }
  }
  return Done{};
}

}  // namespace

std::string_view sample_label(const FamilyDescription& family) {
  if (family.type == MetricType::kHistogram) return "le";
  if (family.type == MetricType::kStateset) return family.name;
  return "";
}

Result<std::vector<Label>> with_pid(const FamilyDescription& family, std::vector<Label> labels,
                                    std::string_view pid) {
  for (const auto& label : labels) {
    if (label.name != kPid) continue;
    return bad_label("label \"pid\" is the agent's to give in gauge \"" + family.given +
                     "\", whose mode is " + word(family.effective_mode()));
  }
  labels.push_back({kPid, std::string(pid)});
  return labels;
}

Result<CanonicalSeries> canonicalise(const FamilyDescription& family, std::vector<Label> labels) {
  std::sort(labels.begin(), labels.end(),
            [](const Label& a, const Label& b) { return a.name < b.name; });
  if (auto status = check(family, labels); !status) return status.error();

  CanonicalSeries series;
  const auto name = family.name + std::string(key_suffix(family.type));
  const bool classic_name = is_classic_metric_name(name);
  const auto added = sample_label(family);  // of a stateset its name, which may hold a colon
  series.classic = classic_name && (added.empty() || is_classic_label_name(added)) &&
                   std::all_of(labels.begin(), labels.end(), [](const Label& label) {
                     return is_classic_label_name(label.name);
                   });
  if (!series.classic) {
    if (auto status = check_escaped(labels); !status) return status.error();
  }

  auto& text = series.text;
  text = classic_name ? name : '{' + escape_metric_name(name, Escaping::kAllowUtf8);
  if (classic_name && !labels.empty()) text += '{';
  bool first = classic_name;
  for (const auto& label : labels) {
    if (!first) text += ',';
    first = false;
    if (series.insert_at == 0 && label.name > sample_label(family)) {
      series.insert_at = static_cast<std::uint32_t>(text.size());
    }
    text += escape_label_name(label.name, Escaping::kAllowUtf8) + "=\"";
    append_escaped(text, label.value, Quotes::kEscape);
    text += '"';
  }
  if (series.insert_at == 0) series.insert_at = static_cast<std::uint32_t>(text.size());
  if (!labels.empty() || !classic_name) text += '}';
  return series;
}

}  // namespace sidemeter
