#include "agent/metrics/exposition.h"

#include <algorithm>

#include "agent/metrics/family_table.h"
#include "agent/metrics/sample_writer.h"
#include "agent/metrics/series_store.h"
#include "agent/metrics/series_value.h"

namespace sidemeter {
namespace {

bool has_created(MetricType type) {
  return type == MetricType::kCounter || type == MetricType::kHistogram ||
         type == MetricType::kSummary;
}

// One series as it was when it was reached: its lines may be spread over slices, and the
// registry may change or lose the series between two of them.
struct Snapshot {
  std::string text;
  std::uint32_t insert_at = 0;
  bool classic = true;
  SeriesDetail detail;
  double value = 0;
  double created = 0;
  FamilyDescription family;
  std::shared_ptr<const std::vector<std::string>> bounds;
  std::vector<double> buckets;
};

enum class Pass { kSamples, kCreated };

}  // namespace

class Exposition::Renderer {
 public:
  Renderer(const Registry& registry, ExpositionOptions options)
      : registry_(registry),
        options_(std::move(options)),
        writer_(options_.format, options_.escaping),
        families_(registry.families().size()),
        end_sequence_(registry.series().next_sequence()) {}

  State next(std::string& out) {
    // Since the last slice series may have gone, and with them the place among the others.
    if (entered_) position_ = family().first_from(registry_.series(), next_sequence_);
    const auto goal = out.size() + kSliceBytes;
    while (out.size() < goal) {
      if (!step(out)) return State::kEnd;
    }
    return State::kMore;
  }

 private:
  // Renders a line, a series or a header; false at the end.
  bool step(std::string& out);
  void enter_family(std::string& out);
  void leave_pass();
  void series(std::string& out, const SeriesEntry& entry);
  void line(std::string& out);
  void header(std::string& out);
  std::vector<Sample> lines() const;
  void bucket_lines(std::vector<Sample>& samples) const;

  const Family& family() const { return registry_.families().at(family_); }
  bool text() const { return options_.format != Format::kOpenMetrics; }

  bool wanted(std::string_view suffix) const {
    const auto& names = options_.sample_names;
    if (names.empty()) return true;
    const auto name = family().description.name + std::string(suffix);
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  // The next series to render, or null.
  const SeriesEntry* next_entry();

  const Registry& registry_;
  const ExpositionOptions options_;
  const SampleWriter writer_;

  // What stood at the beginning; a series that is removed and made again would otherwise come
  // twice.
  const std::uint32_t families_;
  const std::uint64_t end_sequence_;

  std::uint32_t family_ = 0;
  Pass pass_ = Pass::kSamples;
  bool entered_ = false;
  bool header_due_ = false;
  bool ended_ = false;
  std::uint64_t next_sequence_ = 0;  // of the family's series not rendered yet
  std::size_t position_ = 0;         // the same, among its slots: good within a slice

  Snapshot snapshot_;
  std::vector<Sample> lines_;  // of the snapshot
  std::size_t line_ = 0;
};

bool Exposition::Renderer::step(std::string& out) {
  if (line_ < lines_.size()) {
    line(out);
    return true;
  }
  if (family_ == families_) {
    if (!ended_ && !text()) out += "# EOF\n";
    ended_ = true;
    return false;
  }
  if (!entered_) enter_family(out);
  const auto* entry = next_entry();
  if (entry == nullptr) {
    leave_pass();
    return true;
  }
  series(out, *entry);
  return true;
}

void Exposition::Renderer::enter_family(std::string& out) {
  entered_ = true;
  next_sequence_ = 0;
  position_ = 0;
  header_due_ = family().description.type.has_value();
  // A declared family without series shows its metadata, as the reference's does; one that is
  // filtered, and the _created one, only with a sample.
  if (pass_ == Pass::kSamples && options_.sample_names.empty()) header(out);
}

void Exposition::Renderer::leave_pass() {
  entered_ = false;
  const auto type = family().description.type.value_or(MetricType::kUnknown);
  const bool created_follows = pass_ == Pass::kSamples && text() &&
                               options_.created == CreatedSamples::kOn && has_created(type);
  pass_ = created_follows ? Pass::kCreated : Pass::kSamples;
  if (!created_follows) ++family_;
}

void Exposition::Renderer::header(std::string& out) {
  if (!header_due_) return;
  header_due_ = false;
  const auto& description = family().description;
  pass_ == Pass::kSamples ? writer_.metadata(out, description)
                          : writer_.created_metadata(out, description);
}

const SeriesEntry* Exposition::Renderer::next_entry() {
  const auto& slots = family().slots;
  while (position_ < slots.size()) {
    const auto& entry = registry_.series().at(slots[position_]);
    if (entry.sequence >= end_sequence_) return nullptr;
    ++position_;
    next_sequence_ = entry.sequence + 1;
    if (entry.idle == 0) return &entry;
  }
  return nullptr;
}

// Most series are one line, straight from the store. The others are copied first: they can be
// longer than a slice, and are never torn.
void Exposition::Renderer::series(std::string& out, const SeriesEntry& entry) {
  const auto& description = family().description;
  const auto type = *description.type;
  const bool single = type == MetricType::kGauge || type == MetricType::kUnknown ||
                      type == MetricType::kInfo ||
                      (type == MetricType::kCounter && !entry.detail &&
                       (options_.created == CreatedSamples::kOff || text()));
  if (pass_ == Pass::kSamples && single) {
    const auto suffix = key_suffix(type);
    if (!wanted(suffix)) return;
    header(out);
    writer_.sample(out, description, {entry.name_and_labels(), entry.insert_at, entry.classic != 0},
                   {.suffix = suffix, .value = gauge_value(family(), entry)});
    return;
  }
  snapshot_.text = entry.name_and_labels();
  snapshot_.insert_at = entry.insert_at;
  snapshot_.classic = entry.classic != 0;
  snapshot_.detail = entry.detail ? *entry.detail : SeriesDetail{};
  snapshot_.value = entry.value;
  snapshot_.created = entry.created;
  snapshot_.family = description;
  snapshot_.bounds = family().bounds;
  snapshot_.buckets = family().buckets;
  lines_ = lines();
  line_ = 0;
  std::erase_if(lines_, [&](const Sample& sample) { return !wanted(sample.suffix); });
  if (!lines_.empty()) header(out);
}

void Exposition::Renderer::line(std::string& out) {
  writer_.sample(out, snapshot_.family, {snapshot_.text, snapshot_.insert_at, snapshot_.classic},
                 lines_[line_++]);
}

void Exposition::Renderer::bucket_lines(std::vector<Sample>& samples) const {
  const auto& detail = snapshot_.detail;
  double count = 0;
  for (std::size_t i = 0; i < snapshot_.bounds->size(); ++i) {
    if (i < detail.counts.size()) count += detail.counts[i];
    const bool has_exemplar = i < detail.exemplars.size() && detail.exemplars[i];
    samples.push_back({.suffix = "_bucket",
                       .label_name = "le",
                       .label_value = (*snapshot_.bounds)[i],
                       .value = count,
                       .exemplar = has_exemplar ? &*detail.exemplars[i] : nullptr});
  }
  samples.push_back({.suffix = "_count", .value = count});
  // The sum of values that may be negative is no counter (OpenMetrics 1.0, "Histogram").
  const bool negative = !snapshot_.buckets.empty() && snapshot_.buckets.front() < 0;
  if (!negative) samples.push_back({.suffix = "_sum", .value = detail.sum});
}

std::vector<Sample> Exposition::Renderer::lines() const {
  std::vector<Sample> samples;
  const auto& family = snapshot_.family;
  const auto type = *family.type;
  if (pass_ == Pass::kCreated) {
    samples.push_back({.suffix = "_created", .value = snapshot_.created});
    return samples;
  }
  const auto& detail = snapshot_.detail;
  if (type == MetricType::kCounter) {
    const bool has_exemplar = !detail.exemplars.empty() && detail.exemplars[0];
    samples.push_back({.suffix = "_total",
                       .value = snapshot_.value,
                       .exemplar = has_exemplar ? &*detail.exemplars[0] : nullptr});
  }
  if (type == MetricType::kHistogram) bucket_lines(samples);
  if (type == MetricType::kSummary) {
    samples.push_back({.suffix = "_count", .value = detail.counts.empty() ? 0 : detail.counts[0]});
    samples.push_back({.suffix = "_sum", .value = detail.sum});
  }
  if (type == MetricType::kStateset) {
    for (std::size_t i = 0; i < family.states.size(); ++i) {
      samples.push_back({.suffix = "",
                         .label_name = family.name,
                         .label_value = family.states[i],
                         .value = static_cast<double>(i) == snapshot_.value ? 1.0 : 0.0});
    }
  }
  if (options_.created == CreatedSamples::kOn && !text() && has_created(type)) {
    samples.push_back({.suffix = "_created", .value = snapshot_.created});
  }
  return samples;
}

Exposition::Exposition(const Registry& registry, ExpositionOptions options)
    : renderer_(std::make_unique<Renderer>(registry, std::move(options))) {}
Exposition::~Exposition() = default;
Exposition::Exposition(Exposition&&) noexcept = default;
Exposition& Exposition::operator=(Exposition&&) noexcept = default;

Exposition::State Exposition::next(std::string& out) { return renderer_->next(out); }

}  // namespace sidemeter
