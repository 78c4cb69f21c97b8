// Where the agent says what happens to it. An embedding program brings its own
// sink; the program `sidemeter` writes logfmt or JSON to stderr (agent/stderr_log.h).
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace sidemeter {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

struct LogField {
  std::string_view key;  // [a-z_]+
  std::string value;
};

class Log {
 public:
  virtual ~Log() = default;

  // `message` is a fixed sentence; what varies stands in the fields.
  virtual void write(LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields = {}) = 0;
};

}  // namespace sidemeter
