#include "proto/line_reader.h"

#include <cstring>
#include <utility>

namespace sidemeter {
namespace {

std::string_view without_cr(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

void LineReader::push(std::string_view bytes) { rest_ = bytes; }

void LineReader::hold() {
  std::string rest(rest_);
  held_ = std::move(rest);
  rest_ = held_;
}

Line LineReader::next() {
  if (rest_.empty()) return {};
  const void* found = std::memchr(rest_.data(), '\n', rest_.size());
  if (found == nullptr) {
    // Nothing of a line that is too long already is kept.
    if (!skipping_) tail_ += rest_.substr(0, max_line_bytes_ + 1 - tail_.size());
    if (tail_.size() > max_line_bytes_) {
      skipping_ = true;
      tail_.clear();
    }
    rest_ = {};
    return {};
  }
  const auto length = static_cast<std::size_t>(static_cast<const char*>(found) - rest_.data());
  const auto end = rest_.substr(0, length);
  rest_.remove_prefix(length + 1);

  const bool too_long = skipping_ || tail_.size() + length > max_line_bytes_;
  skipping_ = false;
  if (too_long) {
    tail_.clear();
    return {Line::kTooLong, {}};
  }
  if (tail_.empty()) return {Line::kWhole, without_cr(end)};
  // The tail is needed again before the view of this line may end.
  joined_ = std::exchange(tail_, {});
  joined_ += end;
  return {Line::kWhole, without_cr(joined_)};
}

}  // namespace sidemeter
