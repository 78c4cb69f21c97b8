// Cuts a byte stream into lines. Keeps at most `max_line_bytes` of an
// unfinished line; the views of next() stay valid until the next push(), so
// that a batch of records can be looked at together.
//
//   reader.push(bytes);
//   for (auto line = reader.next(); line.kind != Line::kNone; line = reader.next()) …
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sidemeter {

struct Line {
  enum Kind {
    kNone,     // all that was pushed has been handed out or kept
    kWhole,    // `text` is a line without its LF and without a CR before that
    kTooLong,  // a line was longer than max_line_bytes: told once, when its LF has come
  };
  Kind kind = kNone;
  std::string_view text;
};

class LineReader {
 public:
  // max_line_bytes counts what stands before the LF, a CR included.
  explicit LineReader(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  // `bytes` must stay until next() has answered kNone, or hold(). No line is handed out twice and
  // no byte is searched twice for an LF.
  void push(std::string_view bytes);
  Line next();

  // Copies what has not been handed out yet: the bytes of the last push() may go.
  void hold();

  // Whether the bytes so far end within a line: at end-of-file that line is
  // truncated.
  bool within_line() const { return skipping_ || !tail_.empty(); }

 private:
  const std::size_t max_line_bytes_;
  std::string_view rest_;  // of the bytes of the last push()
  std::string held_;       // what rest_ views after hold()
  std::string tail_;       // an unfinished line, from earlier pushes
  std::string joined_;     // the line that began in a tail
  bool skipping_ = false;  // within a line that is too long already
};

}  // namespace sidemeter
