#include "agent/http/response_head.h"

#include <array>
#include <cstdio>

namespace sidemeter::http {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 417: return "Expectation Failed";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

void append_response_head(std::string& out, int status, const Fields& fields) {
  out += "HTTP/1.1 " + std::to_string(status) + ' ';
  out += reason_phrase(status);
  out += "\r\n";
  for (const auto& [name, value] : fields) {
    out += name;
    out += ": " + value + "\r\n";
  }
  out += "\r\n";
}

std::string error_body(int status, std::string_view hint) {
  return "# HTTP " + std::to_string(status) + ' ' + std::string(reason_phrase(status)) + ": " +
         std::string(hint) + '\n';
}

std::string date(std::time_t seconds) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm time{};
  gmtime_r(&seconds, &time);
  std::array<char, 40> text;
  const int length = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                   kDays[static_cast<std::size_t>(time.tm_wday)], time.tm_mday,
                                   kMonths[static_cast<std::size_t>(time.tm_mon)],
                                   time.tm_year + 1900, time.tm_hour, time.tm_min, time.tm_sec);
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace sidemeter::http
