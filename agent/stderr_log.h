// The log of the program `sidemeter`: one line an event on stderr, as logfmt or as JSON.
//
//   ts=2026-11-24T00:00:00.000Z level=info msg="listening" address=127.0.0.1:9469
//   {"ts":"2026-11-24T00:00:00.000Z","level":"info","msg":"listening","address":"127.0.0.1:9469"}
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "agent/log.h"

namespace sidemeter {

enum class LogFormat : std::uint8_t { kLogfmt, kJson };

// The line with its LF. Nothing in `message` or a value ends the line or breaks its form:
// quotes, backslashes and control bytes are escaped, bytes that are not UTF-8 become U+FFFD.
// `now_ms` counts from the epoch.
std::string format_log_line(LogFormat format, std::int64_t now_ms, LogLevel level,
                            std::string_view message, std::initializer_list<LogField> fields);

class StderrLog final : public Log {
 public:
  // Events below `least` are left out.
  StderrLog(LogFormat format, LogLevel least) : format_(format), least_(least) {}

  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields = {}) override;

 private:
  const LogFormat format_;
  const LogLevel least_;
};

}  // namespace sidemeter
