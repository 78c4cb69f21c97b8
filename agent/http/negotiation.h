// What a scraper asks for: format and escaping (Accept), compression
// (Accept-Encoding), and names (the query). Behaviour 11–14.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/format.h"

namespace sidemeter::http {

struct Choice {
  Format format = Format::kText004;
  Escaping escaping = Escaping::kUnderscores;
  bool names_escaping = false;  // the reply's Content-Type says which
};

// Never fails: an element that cannot be read is skipped, and with nothing
// acceptable the answer is text 0.0.4 (RFC 9110, 12.5.1).
Choice negotiate(std::string_view accept);

// The whole value of Content-Type.
std::string content_type(const Choice& choice);

// RFC 9110, 12.5.3: q=0 refuses, `*` counts.
bool accepts_gzip(std::string_view accept_encoding);

// Path and name[] of a target in origin or absolute form.
struct Target {
  std::string path;                // percent-encoded, without the query
  std::vector<std::string> names;  // of name[], decoded, none empty
  bool filters = false;            // a name[] that is not blank was given
};
Target parse_target(std::string_view target);

}  // namespace sidemeter::http
