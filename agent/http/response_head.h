// Writes HTTP/1.1 response heads.
#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sidemeter::http {

using Fields = std::vector<std::pair<std::string_view, std::string>>;

// The reason phrase of RFC 9110, 15 ("Not Found").
std::string_view reason_phrase(int status);

// Status line, fields in order, and the empty line.
void append_response_head(std::string& out, int status, const Fields& fields);

// The body of every error: `# HTTP 405 Method Not Allowed: hint\n`.
std::string error_body(int status, std::string_view hint);

// RFC 9110, 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, whatever locale the program is in.
std::string date(std::time_t seconds);

}  // namespace sidemeter::http
