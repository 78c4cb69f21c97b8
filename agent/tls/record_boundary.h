// Knows whether a stream of TLS records stands within one, so that a record that trickles in has
// a deadline, as an HTTP head has one. Looks at nothing but lengths.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace sidemeter {

class RecordBoundary {
 public:
  void push(std::string_view bytes) {
    while (!bytes.empty()) {
      if (left_ > 0) {
        const std::size_t taken = std::min(left_, bytes.size());
        left_ -= taken;
        completed_ = completed_ || left_ == 0;
        bytes.remove_prefix(taken);
        continue;
      }
      // 17 03 03 00 1A …
      // ^ type   ^ length (RFC 8446, 5.1)
      if (head_ == 0) type_ = bytes.front();
      length_ = (length_ * 256 + static_cast<unsigned char>(bytes.front())) % 65'536;
      bytes.remove_prefix(1);
      if (++head_ < kHeadBytes) continue;
      left_ = length_;
      completed_ = completed_ || left_ == 0;
      head_ = 0;
    }
  }

  bool within_record() const { return head_ > 0 || left_ > 0; }

  // Whether the record that came last is an alert that anybody can read (RFC 8446, 6): in TLS 1.3 a
  // sealed one looks like data.
  bool is_plain_alert() const { return type_ == kAlert; }

  // Whether a record has come to its end since this was asked.
  bool take_completed() { return std::exchange(completed_, false); }

 private:
  static constexpr std::size_t kHeadBytes = 5;
  static constexpr char kAlert = 21;

  char type_ = 0;
  std::size_t head_ = 0;  // bytes of the head so far
  std::size_t length_ = 0;
  std::size_t left_ = 0;  // of the record's body
  bool completed_ = false;
};

}  // namespace sidemeter
