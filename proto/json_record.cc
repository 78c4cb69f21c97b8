#include "proto/json_record.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "proto/declaration.h"
#include "proto/json_update.h"
#include "proto/utf8.h"

namespace sidemeter {
namespace {

using Json = nlohmann::json;

template <typename T, typename Field>
Status assign(Result<T> read, Field& field) {
  if (!read) return read.error();
  field = *std::move(read);
  return Done{};
}

Result<std::vector<double>> read_buckets(const Json& value, const PushLimits& limits) {
  if (!value.is_array()) return bad_json("\"buckets\" wants an array of numbers");
  std::vector<double> bounds;
  for (const auto& bound : value) {
    if (bound == "+Inf") {
      bounds.push_back(HUGE_VAL);
      continue;
    }
    if (!bound.is_number()) return bad_json("\"buckets\" wants an array of numbers");
    bounds.push_back(bound.get<double>());
  }
  return checked_buckets(std::move(bounds), limits);
}

Result<std::vector<std::string>> read_states(const Json& value, const PushLimits& limits) {
  if (!value.is_array()) return bad_json("\"states\" wants an array of strings");
  std::vector<std::string> states;
  for (const auto& state : value) {
    auto text = read_text(state, "states");
    if (!text) return text.error();
    states.push_back(*std::move(text));
  }
  return checked_states(std::move(states), limits);
}

Status read_part(const std::string& key, const Json& value, const PushLimits& limits,
                 Declaration& declaration) {
  if (key == "buckets") return assign(read_buckets(value, limits), declaration.buckets);
  if (key == "states") return assign(read_states(value, limits), declaration.states);
  // A number is seconds.
  if (key == "ttl" && value.is_number_unsigned()) {
    return assign(parse_ttl(value.dump()), declaration.ttl_seconds);
  }
  auto text = read_text(value, key);
  if (!text) return text.error();
  if (key == "help") return assign(checked_help(*text, limits), declaration.help);
  if (key == "unit") return assign(checked_unit(*text, limits), declaration.unit);
  if (key == "mode") return assign(parse_mode(*text), declaration.mode);
  if (key == "ttl") return assign(parse_ttl(*text), declaration.ttl_seconds);
  return assign(parse_type(*text), declaration.type);
}

Result<Record> read_declaration(const Json& object, const PushLimits& limits) {
  const auto known = {std::string_view("declare"), std::string_view("type"),
                      std::string_view("help"),    std::string_view("unit"),
                      std::string_view("buckets"), std::string_view("mode"),
                      std::string_view("states"),  std::string_view("ttl")};
  if (auto status = check_keys(object, known); !status) return status.error();
  Declaration declaration;
  auto name = read_text(object["declare"], "declare");
  if (!name) return name.error();
  if (name->empty() || name->size() > limits.name_bytes) {
    return Error{Reason::kBadName, "the name of a family has 1 to " +
                                       std::to_string(limits.name_bytes) + " bytes, got " +
                                       std::to_string(name->size())};
  }
  declaration.name = *std::move(name);
  for (const auto& [key, value] : object.items()) {
    if (key == "declare") continue;
    if (auto status = read_part(key, value, limits, declaration); !status) return status.error();
  }
  return Record(std::move(declaration));
}

Result<Record> read_hello(const Json& object) {
  if (auto status = check_keys(object, {"hello"}); !status) return status.error();
  const auto& said = object["hello"];
  if (!said.is_object()) return bad_json("\"hello\" wants an object");
  if (auto status = check_keys(said, {"v", "pid", "instance", "client", "errors"}); !status) {
    return status.error();
  }
  Hello hello;
  hello.form = Form::kJson;
  for (const auto& [key, value] : said.items()) {
    if (key == "v") {
      if (!value.is_number_unsigned() || value.get<std::uint64_t>() > UINT32_MAX) {
        return Error{Reason::kBadVersion, "a version is a whole number"};
      }
      hello.version = value.get<std::uint32_t>();
    } else if (key == "pid") {
      if (!value.is_number_unsigned() || value.get<std::uint64_t>() > INT64_MAX) {
        return bad_json("\"pid\" wants a whole number");
      }
      hello.pid = value.get<std::int64_t>();
    } else if (key == "errors") {
      if (!value.is_boolean()) return bad_json("\"errors\" wants true or false");
      hello.errors = value.get<bool>();
    } else {
      auto text = read_text(value, key);
      if (text) text = checked_hello_value(key, *std::move(text));
      if (!text) return text.error();
      (key == "instance" ? hello.instance : hello.client) = *std::move(text);
    }
  }
  return Record(std::move(hello));
}

Result<Record> read_sync(const Json& object, RenderedUpdate& rendered) {
  if (auto status = check_keys(object, {"sync"}); !status) return status.error();
  const auto& token = object["sync"];
  if (token.is_number_integer()) {
    rendered.operands = token.dump();
  } else {
    auto text = read_text(token, "sync");
    if (!text) return text.error();
    rendered.operands = *std::move(text);
  }
  if (rendered.operands.empty() || rendered.operands.size() > kMaxTokenBytes) {
    return Error{Reason::kBadSyntax,
                 "a sync token has 1 to " + std::to_string(kMaxTokenBytes) + " bytes"};
  }
  return Record(Sync{Form::kJson, rendered.operands});
}

Result<Record> read_record(const Json& object, const PushLimits& limits, RenderedUpdate& rendered) {
  if (!object.is_object()) return bad_json("a record is an object");
  if (object.contains("declare")) return read_declaration(object, limits);
  if (object.contains("hello")) return read_hello(object);
  if (object.contains("sync")) return read_sync(object, rendered);
  return read_json_update(object, rendered);
}

// Follows the parser: how deep the text is, and which records say a key twice.
class Watch {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    const auto level = static_cast<std::size_t>(depth);
    const bool object = event == Json::parse_event_t::object_start;
    if (object || event == Json::parse_event_t::array_start) {
      if (level >= kMaxJsonDepth) too_deep_ = true;
      // A record is outermost, or stands in the outermost array.
      if (level == 0 && !object) in_array_ = true;
      if (level == (in_array_ ? 1 : 0)) ++record_;
    }
    if (object) {
      keys_.resize(level + 1);
      keys_[level].clear();
    }
    if (event == Json::parse_event_t::key && level <= keys_.size() && level > 0 &&
        !keys_[level - 1].insert(parsed.get<std::string>()).second) {
      twice_.insert(record_);
    }
    return !too_deep_;
  }

  bool too_deep() const { return too_deep_; }
  bool says_twice(std::size_t record) const { return twice_.contains(record); }

 private:
  bool too_deep_ = false;
  bool in_array_ = false;
  std::size_t record_ = 0;  // objects and arrays in a record's place, so far
  std::set<std::size_t> twice_;
  std::vector<std::set<std::string>> keys_;
};

Json parse(std::string_view text, Watch& watch) {
  try {
    return Json::parse(
        text,
        [&](int depth, Json::parse_event_t event, Json& parsed) {
          return watch(depth, event, parsed);
        },
        /*allow_exceptions=*/false);
  } catch (...) {
    return Json(Json::value_t::discarded);
  }
}

}  // namespace

void parse_json_records(std::string_view text, const PushLimits& limits,
                        const std::function<void(Result<Record>)>& each) {
  // The parser takes a NUL for the end of the text, and would not see what follows it.
  if (const auto status = check_text(text); !status) return each(status.error());
  Watch watch;
  const auto json = parse(text, watch);
  if (watch.too_deep()) {
    return each(bad_json("JSON nests at most " + std::to_string(kMaxJsonDepth) + " deep"));
  }
  if (json.is_discarded()) return each(bad_json("the record is not JSON"));

  std::size_t record = 0;
  const auto one = [&](const Json& value) {
    if (value.is_structured()) ++record;
    RenderedUpdate rendered;
    if (value.is_object() && watch.says_twice(record)) {
      return each(bad_json("a key is given twice"));
    }
    each(read_record(value, limits, rendered));
  };
  if (!json.is_array()) return one(json);
  for (const auto& value : json) one(value);
}

}  // namespace sidemeter
