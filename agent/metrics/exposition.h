// Renders a registry for a scrape, a slice at a time.
//
// The registry may change between two slices: what is rendered are the series
// that stood when the exposition began, each at most once and each whole, with its
// value at the moment it is reached.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/format.h"
#include "agent/metrics/registry.h"

namespace sidemeter {

enum class CreatedSamples { kOff, kOn };

struct ExpositionOptions {
  Format format = Format::kText004;
  Escaping escaping = Escaping::kUnderscores;
  CreatedSamples created = CreatedSamples::kOff;

  // Only samples with exactly one of these names (unescaped); all where empty.
  std::vector<std::string> sample_names;
};

class Exposition {
 public:
  // `registry` must outlive the exposition.
  Exposition(const Registry& registry, ExpositionOptions options);
  ~Exposition();
  Exposition(Exposition&&) noexcept;
  Exposition& operator=(Exposition&&) noexcept;

  enum class State { kMore, kEnd };

  // Appends the next slice, about kSliceBytes. After kEnd nothing follows.
  State next(std::string& out);

 private:
  class Renderer;
  std::unique_ptr<Renderer> renderer_;
};

}  // namespace sidemeter
