// The updates among JSON records: rendered in line form, so that both forms meet the
// same rules. Only for json_record.cc.
#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "proto/record.h"
#include "proto/result.h"

namespace sidemeter {

// What the views of the record point into.
struct RenderedUpdate {
  std::string series;
  std::string operands;
};

// Reads `{"counter":"x","add":1}` and its like: an object that is no declare, hello or sync.
Result<Record> read_json_update(const nlohmann::json& object, RenderedUpdate& rendered);

Error bad_json(std::string message);

// A string without NUL; `key` names it in the error.
Result<std::string> read_text(const nlohmann::json& value, std::string_view key);

// kBadJson where the object has another key.
Status check_keys(const nlohmann::json& object, std::initializer_list<std::string_view> known);

}  // namespace sidemeter
