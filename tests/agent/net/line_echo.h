// A session for tests: answers a whole line with itself.
#pragma once

#include <string>
#include <string_view>

#include "agent/session.h"

namespace sidemeter::test {

// "more N" is answered by N slices of 64 KiB of '.', "bye" by
// closing, "drop" is taken in silence; a line without its end is partial.
class LineEcho final : public Session {
 public:
  explicit LineEcho(std::string& heard) : heard_(heard) {}

  Next receive(std::string_view in, std::string& out) override {
    heard_ += in;
    unread_ += in;
    return read_lines(out);
  }

  Next resume(std::string& out) override {
    if (slices_-- > 0) {
      out.append(kSliceBytes, '.');
      return Next::kMore;
    }
    return read_lines(out);
  }

  Next finish(std::string& out) override {
    out += unread_.empty() ? "end\n" : "torn\n";
    return Next::kClose;
  }

  Next expire(std::string& out) override {
    out += "late\n";
    return Next::kClose;
  }

 private:
  static constexpr std::size_t kSliceBytes = 64 * 1024;

  Next read_lines(std::string& out) {
    for (auto end = unread_.find('\n'); end != std::string::npos; end = unread_.find('\n')) {
      const std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      if (line == "drop") continue;
      if (line.starts_with("more ")) {
        slices_ = std::stoi(line.substr(5));
        return Next::kMore;
      }
      out += line + "\n";
      if (line == "bye") return Next::kClose;
    }
    return unread_.empty() ? Next::kIdle : Next::kPartial;
  }

  std::string& heard_;
  std::string unread_;
  int slices_ = 0;
};

}  // namespace sidemeter::test
