#include "proto/json_update.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "proto/series.h"

namespace sidemeter {
namespace {

using Json = nlohmann::json;

void append(std::string& out, double number) {
  std::array<char, 32> text;
  out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
}

// Appends a blank and the number.
Status append_number(std::string& out, const Json& value, std::string_view key) {
  if (!value.is_number()) return bad_json("\"" + std::string(key) + "\" wants a number");
  out += ' ';
  append(out, value.get<double>());
  return Done{};
}

// {"trace_id":"abc"} as {trace_id="abc"}, with the family's name where it has to stand inside.
Status append_labels(std::string& out, const Json& labels, std::string_view quoted_name) {
  if (!labels.is_object()) return bad_json("\"labels\" wants an object");
  const auto append_quoted = [&](std::string_view text) {
    out += '"';
    append_escaped(out, text, Quotes::kEscape);
    out += '"';
  };
  out += '{';
  if (!quoted_name.empty()) append_quoted(quoted_name);
  bool first = quoted_name.empty();
  for (const auto& [key, value] : labels.items()) {
    auto text = read_text(value, key);
    if (!text) return text.error();
    if (key.find('\0') != std::string::npos)
      return Error{Reason::kBadSyntax, "a label name holds a NUL"};
    if (!first) out += ',';
    first = false;
    if (is_classic_label_name(key)) {
      out += key;
    } else {
      append_quoted(key);
    }
    out += '=';
    append_quoted(*text);
  }
  out += '}';
  return Done{};
}

Status render_series(const Json& object, std::string_view key, std::string& out) {
  auto name = read_text(object[key], key);
  if (!name) return name.error();
  const bool classic = is_classic_metric_name(*name);
  if (name->empty()) return Error{Reason::kBadName, "the name of a metric family is empty"};
  if (classic) out = *name;
  const auto labels = object.find("labels");
  if (labels == object.end() && classic) return Done{};
  return append_labels(out, labels == object.end() ? Json::object() : *labels,
                       classic ? std::string_view() : *name);
}

Status render_exemplar(const Json& object, std::string& out) {
  const auto found = object.find("exemplar");
  if (found == object.end()) return Done{};
  if (!found->is_object()) return bad_json("\"exemplar\" wants an object");
  if (auto status = check_keys(*found, {"labels", "value", "timestamp"}); !status) return status;
  out += " # ";
  const auto labels = found->find("labels");
  if (auto status = append_labels(out, labels == found->end() ? Json::object() : *labels, "");
      !status) {
    return status;
  }
  if (!found->contains("value")) return bad_json("\"exemplar\" wants a \"value\"");
  if (auto status = append_number(out, (*found)["value"], "value"); !status) return status;
  if (!found->contains("timestamp")) return Done{};
  return append_number(out, (*found)["timestamp"], "timestamp");
}

Status render_gauge(const Json& object, std::string& out) {
  const bool sets = object.contains("set");
  if (sets == object.contains("add")) return bad_json("a gauge wants either \"set\" or \"add\"");
  if (!sets) {
    out = "+=";
    if (!object["add"].is_number()) return bad_json("\"add\" wants a number");
    append(out, object["add"].get<double>());
    return Done{};
  }
  const auto& value = object["set"];
  if (!value.is_string()) return append_number(out, value, "set");
  out = value.get<std::string>();
  if (out == "NaN" || out == "+Inf" || out == "-Inf") return Done{};
  return bad_json("\"set\" wants a number, \"NaN\", \"+Inf\" or \"-Inf\"");
}

// 0.1 or [0.1, [0.25, 3]]: a pair is a value and how often it was seen.
Status render_observations(const Json& observed, std::string& out) {
  if (!observed.is_array()) return append_number(out, observed, "observe");
  for (const auto& one : observed) {
    const bool pair = one.is_array() && one.size() == 2;
    if (auto status = append_number(out, pair ? one[0] : one, "observe"); !status) return status;
    if (!pair) continue;
    if (!one[1].is_number()) return bad_json("\"observe\" wants numbers");
    out += '*';
    append(out, one[1].get<double>());
  }
  return Done{};
}

Status render_merge(const Json& merge, Verb verb, std::string& out) {
  const std::string_view counts_key = verb == Verb::kSummary ? "count" : "counts";
  if (!merge.is_object()) return bad_json("\"merge\" wants an object");
  if (auto status = check_keys(merge, {"sum", counts_key}); !status) return status;
  if (!merge.contains("sum") || !merge.contains(counts_key)) {
    return bad_json("\"merge\" wants \"sum\" and \"" + std::string(counts_key) + "\"");
  }
  if (auto status = append_number(out, merge["sum"], "sum"); !status) return status;
  const auto& counts = merge[counts_key];
  if (verb == Verb::kSummary) return append_number(out, counts, counts_key);
  if (!counts.is_array()) return bad_json("\"counts\" wants an array of numbers");
  for (const auto& count : counts) {
    if (auto status = append_number(out, count, counts_key); !status) return status;
  }
  return Done{};
}

Status render_distribution(const Json& object, Verb& verb, std::string& out) {
  const bool merges = object.contains("merge");
  if (merges == object.contains("observe")) {
    return bad_json("wanted either \"observe\" or \"merge\"");
  }
  if (merges && object.contains("exemplar")) {
    return bad_json("an \"exemplar\" belongs to a single observation, not to a \"merge\"");
  }
  if (merges) {
    auto status = render_merge(object["merge"], verb, out);
    verb = Verb::kMerge;
    return status;
  }
  if (auto status = render_observations(object["observe"], out); !status) return status;
  return render_exemplar(object, out);
}

struct Shape {
  std::string_view key;
  Verb verb;
  std::initializer_list<std::string_view> keys;
};

// The key that names the type holds the family's name.
const std::array<Shape, 8> kShapes = {{
    {"counter", Verb::kCounter, {"counter", "labels", "add", "exemplar"}},
    {"gauge", Verb::kGauge, {"gauge", "labels", "set", "add"}},
    {"histogram", Verb::kHistogram, {"histogram", "labels", "observe", "merge", "exemplar"}},
    {"summary", Verb::kSummary, {"summary", "labels", "observe", "merge"}},
    {"info", Verb::kInfo, {"info", "labels"}},
    {"stateset", Verb::kStateset, {"stateset", "labels", "state"}},
    {"remove", Verb::kRemove, {"remove", "labels"}},
    {"clear", Verb::kClear, {"clear"}},
}};

Status render_operands(const Json& object, Verb& verb, std::string& out) {
  switch (verb) {
    case Verb::kCounter:
      out = "1";
      if (object.contains("add")) {
        out.clear();
        if (auto status = append_number(out, object["add"], "add"); !status) return status;
      }
      return render_exemplar(object, out);
    case Verb::kGauge: return render_gauge(object, out);
    case Verb::kHistogram:
    case Verb::kSummary: return render_distribution(object, verb, out);
    case Verb::kStateset: {
      if (!object.contains("state")) return bad_json("a stateset wants a \"state\"");
      auto state = read_text(object["state"], "state");
      if (!state) return state.error();
      out = *std::move(state);
      return Done{};
    }
    default: return Done{};
  }
}

Result<Record> read_shape(const Json& object, const Shape& shape, RenderedUpdate& rendered) {
  if (auto status = check_keys(object, shape.keys); !status) return status.error();
  if (auto status = render_series(object, shape.key, rendered.series); !status)
    return status.error();
  auto verb = shape.verb;
  if (auto status = render_operands(object, verb, rendered.operands); !status)
    return status.error();
  Update update{verb, rendered.series, rendered.operands};
  if (verb == Verb::kMerge) {
    const bool summary = shape.verb == Verb::kSummary;
    update.type = summary ? MetricType::kSummary : MetricType::kHistogram;
  }
  return Record(update);
}

}  // namespace

Error bad_json(std::string message) { return {Reason::kBadJson, std::move(message)}; }

Result<std::string> read_text(const Json& value, std::string_view key) {
  if (!value.is_string()) return bad_json("\"" + std::string(key) + "\" wants a string");
  auto text = value.get<std::string>();
  if (text.find('\0') == std::string::npos) return text;
  return Error{Reason::kBadSyntax, "a record has no NUL, and \"" + std::string(key) + "\" has one"};
}

Status check_keys(const Json& object, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return bad_json("unknown key \"" + key + "\"");
  }
  return Done{};
}

Result<Record> read_json_update(const Json& object, RenderedUpdate& rendered) {
  for (const auto& shape : kShapes) {
    if (object.contains(shape.key)) return read_shape(object, shape, rendered);
  }
  return bad_json(
      "wanted one of the keys counter, gauge, histogram, summary, info, stateset, remove, clear, "
      "declare, hello, sync");
}

}  // namespace sidemeter
