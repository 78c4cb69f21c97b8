#include "agent/stderr_log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace sidemeter {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

std::string_view word(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kWarning: return "warning";
    case LogLevel::kError: return "error";
    case LogLevel::kInfo: break;
  }
  return "info";
}

// RFC 3339, UTC, with milliseconds.
std::string format_time(std::int64_t now_ms) {
  const std::time_t seconds = now_ms / 1000;
  std::tm time{};
  gmtime_r(&seconds, &time);
  std::array<char, 32> date{};
  std::array<char, 40> text{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &time);
  std::snprintf(text.data(), text.size(), "%s.%03dZ", date.data(), static_cast<int>(now_ms % 1000));
  return text.data();
}

// How many bytes at the start of `text` are one UTF-8 character (Unicode, table 3-7); 0 if none.
std::size_t character_length(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto continues = [&byte](std::size_t i, unsigned least = 0x80, unsigned most = 0xBF) {
    return byte(i) >= least && byte(i) <= most;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if ((lead & 0xF0) == 0xE0) {
    const bool second = continues(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
    return second && continues(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool second = continues(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
    return second && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

void append_control(std::string& out, char control) {
  if (control == '\n') {
    out += "\\n";
  } else if (control == '\t') {
    out += "\\t";
  } else if (control == '\r') {
    out += "\\r";
  } else {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "\\u%04x", static_cast<unsigned>(control));
    out += text.data();
  }
}

// A JSON string (RFC 8259, 7); logfmt quotes in the same way.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const char first = text.front();
    if (length == 0) {
      out += kReplacement;
    } else if (first == '"' || first == '\\') {
      out += {'\\', first};
    } else if ((first >= 0 && first < 0x20) || first == 0x7F) {
      append_control(out, first);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out += '"';
}

bool is_plain(char c) { return c > ' ' && c < 0x7F && c != '"' && c != '\\' && c != '='; }

void append_logfmt_value(std::string& out, std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) {
    out += text;
  } else {
    append_quoted(out, text);
  }
}

}  // namespace

std::string format_log_line(LogFormat format, std::int64_t now_ms, LogLevel level,
                            std::string_view message, std::initializer_list<LogField> fields) {
  std::string line;
  if (format == LogFormat::kJson) {
    line += R"({"ts":")" + format_time(now_ms) + R"(","level":")";
    line += word(level);
    line += R"(","msg":)";
    append_quoted(line, message);
    for (const LogField& field : fields) {
      line += ",\"";
      line += field.key;
      line += "\":";
      append_quoted(line, field.value);
    }
    return line + "}\n";
  }
  line += "ts=" + format_time(now_ms) + " level=";
  line += word(level);
  line += " msg=";
  append_quoted(line, message);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_logfmt_value(line, field.value);
  }
  return line + "\n";
}

void StderrLog::write(LogLevel level, std::string_view message,
                      std::initializer_list<LogField> fields) {
  if (level < least_) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::string line =
      format_log_line(format_, std::chrono::duration_cast<std::chrono::milliseconds>(now).count(),
                      level, message, fields);
  // One call a line, so that the lines of two processes on one pipe do not mix. A log that
  // cannot be written has nowhere to say so.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace sidemeter
