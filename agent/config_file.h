// Reads the configuration file: one JSON object, a key for each option.
//
//   { "listen": ["127.0.0.1:9469"], "max_series": 50000, "self_metrics": false,
//     "tls_server_config": { "cert_file": "server.pem" } }
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/option_value.h"

namespace sidemeter {

struct ConfigEntry {
  enum class Kind { kText, kNumber, kSwitch, kList };

  std::string key;
  Kind kind;
  std::vector<std::string> values;  // a list's elements, else one: "true" and "false" of a switch
  std::size_t line;                 // where the key stands, from 1
};

// The word of a kind in a message ("a list").
std::string_view word(ConfigEntry::Kind kind);

// Each error begins with its place: `sidemeter.json:7: …`, with the column too where
// the text is not JSON. Refused: a key that is not one of `keys`, a key twice, null, a
// list in a list, an object but where keys "section.key" say so; "section.*" takes any key.
Parsed<std::vector<ConfigEntry>> parse_config(std::string_view text, const std::string& file_name,
                                              const std::vector<std::string>& keys);

// The whole of a file, 1 MiB at most.
Parsed<std::string> read_config_file(const std::string& path);

// The one of `words` that `misspelt` was probably meant to be; empty if none is near.
std::string nearest_word(std::string_view misspelt, const std::vector<std::string>& words);

}  // namespace sidemeter
