#include "proto/series.h"

#include "proto/words.h"

namespace sidemeter {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

Error syntax(std::string message) { return {Reason::kBadSyntax, std::move(message)}; }

// A quoted text, from its first quote on; leaves `text` behind the last.
Result<std::string> take_quoted(std::string_view& text) {
  std::string value;
  for (std::size_t at = 1; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      text.remove_prefix(at + 1);
      return value;
    }
    if (c != '\\') {
      value += c;
      continue;
    }
    if (++at == text.size()) break;
    if (text[at] == 'n') {
      value += '\n';
    } else if (text[at] == '\\' || text[at] == '"') {
      value += text[at];
    } else {
      return syntax(std::string("wanted \\\\, \\\" or \\n in quotes, got \\") + text[at]);
    }
  }
  return syntax("a quote is not closed");
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

Error bad_metric_name(std::string_view name) {
  return {Reason::kBadName,
          "metric name must match [a-zA-Z_:][a-zA-Z0-9_:]* or be quoted inside braces, got \"" +
              std::string(name) + "\""};
}

Error bad_label_name(std::string_view name) {
  return {Reason::kBadLabel, "label name must match [a-zA-Z_][a-zA-Z0-9_]* or be quoted, got \"" +
                                 std::string(name) + "\""};
}

Status check_name(std::string_view name, Reason reason, const PushLimits& limits) {
  if (name.empty()) return Error{reason, "a name is empty"};
  if (name.size() <= limits.name_bytes) return Done{};
  return Error{reason, "a name is at most " + std::to_string(limits.name_bytes) + " bytes, got " +
                           std::to_string(name.size())};
}

Status check_label(const Label& label, const PushLimits& limits) {
  if (auto status = check_name(label.name, Reason::kBadLabel, limits); !status) return status;
  if (label.name.starts_with("__")) {
    return Error{
        Reason::kBadLabel,
        "label names that begin with \"__\" are kept for Prometheus, got \"" + label.name + "\""};
  }
  if (label.value.size() <= limits.label_value_bytes) return Done{};
  return Error{Reason::kLabelLimit, "the value of label \"" + label.name + "\" is at most " +
                                        std::to_string(limits.label_value_bytes) + " bytes, got " +
                                        std::to_string(label.value.size())};
}

// An unquoted name, up to what cannot belong to one.
std::string_view take_bare(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && !is_blank(text[length]) && text[length] != '=' &&
         text[length] != ',' && text[length] != '}' && text[length] != '{' && text[length] != '"') {
    ++length;
  }
  const auto name = text.substr(0, length);
  text.remove_prefix(length);
  return name;
}

// Reads the inside of braces: [quoted name ,] label="value" , …
class BraceReader {
 public:
  BraceReader(std::string_view text, const PushLimits& limits) : text_(text), limits_(limits) {}

  // `name` takes a quoted metric name where it is not null.
  Status read(std::string* name, std::vector<Label>& labels);

 private:
  Status element(std::string* name, std::vector<Label>& labels);

  std::string_view text_;  // from the opening brace on
  const PushLimits& limits_;
};

Status BraceReader::read(std::string* name, std::vector<Label>& labels) {
  text_.remove_prefix(1);
  bool first = true;
  for (skip_blanks(text_); !text_.starts_with('}'); skip_blanks(text_)) {
    if (auto status = element(first ? name : nullptr, labels); !status) return status;
    first = false;
    skip_blanks(text_);
    if (text_.starts_with(',')) {
      text_.remove_prefix(1);
    } else if (!text_.starts_with('}')) {
      return syntax("wanted , or } behind a label");
    }
  }
  text_.remove_prefix(1);
  if (!trimmed(text_).empty()) return syntax("nothing may follow the closing brace of a series");
  return Done{};
}

Status BraceReader::element(std::string* name, std::vector<Label>& labels) {
  if (text_.empty()) return syntax("a brace is not closed");
  const bool is_quoted = text_.front() == '"';
  Label label;
  if (is_quoted) {
    auto quoted = take_quoted(text_);
    if (!quoted) return quoted.error();
    label.name = *std::move(quoted);
  } else {
    label.name = take_bare(text_);
    if (!is_classic_label_name(label.name)) return bad_label_name(label.name);
  }
  skip_blanks(text_);
  if (!text_.starts_with('=')) {
    if (!is_quoted || name == nullptr)
      return syntax("wanted = behind label \"" + label.name + "\"");
    *name = std::move(label.name);
    return check_name(*name, Reason::kBadName, limits_);
  }
  text_.remove_prefix(1);
  skip_blanks(text_);
  if (!text_.starts_with('"'))
    return syntax("the value of label \"" + label.name + "\" is not quoted");
  auto value = take_quoted(text_);
  if (!value) return value.error();
  label.value = *std::move(value);
  if (auto status = check_label(label, limits_); !status) return status;
  if (labels.size() == limits_.labels_per_series) {
    return Error{Reason::kLabelLimit,
                 "a series has at most " + std::to_string(limits_.labels_per_series) + " labels"};
  }
  labels.push_back(std::move(label));
  return Done{};
}

}  // namespace

bool is_classic_label_name(std::string_view name) {
  if (name.empty() || !is_letter(name.front())) return false;
  for (const char c : name) {
    if (!is_letter(c) && !is_digit(c)) return false;
  }
  return true;
}

bool is_classic_metric_name(std::string_view name) {
  if (name.empty() || is_digit(name.front())) return false;
  for (const char c : name) {
    if (!is_letter(c) && !is_digit(c) && c != ':') return false;
  }
  return true;
}

std::size_t series_length(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && text[at] != '{' && !is_blank(text[at])) ++at;
  const std::size_t name = at;
  while (at < text.size() && is_blank(text[at])) ++at;
  if (at == text.size() || text[at] != '{') return name;
  for (bool in_quotes = false; at < text.size(); ++at) {
    if (text[at] == '"') {
      in_quotes = !in_quotes;
    } else if (text[at] == '\\' && in_quotes) {
      ++at;
    } else if (text[at] == '}' && !in_quotes) {
      return at + 1;
    }
  }
  return text.size();
}

Result<Series> parse_series(std::string_view text, const PushLimits& limits) {
  text = trimmed(text);
  Series series;
  series.name = text.starts_with('{') ? std::string_view() : take_bare(text);
  const bool bare = !series.name.empty();
  if (bare) {
    if (!is_classic_metric_name(series.name)) return bad_metric_name(series.name);
    if (auto status = check_name(series.name, Reason::kBadName, limits); !status) {
      return status.error();
    }
  }
  skip_blanks(text);
  if (text.starts_with('{')) {
    BraceReader reader(text, limits);
    if (auto status = reader.read(bare ? nullptr : &series.name, series.labels); !status) {
      return status.error();
    }
  } else if (!text.empty()) {
    return bad_metric_name(std::string(series.name) + std::string(text));
  }
  if (series.name.empty()) return bad_metric_name("");
  return series;
}

Result<std::vector<Label>> parse_labels(std::string_view text, const PushLimits& limits) {
  std::vector<Label> labels;
  if (!text.starts_with('{'))
    return syntax("labels stand in braces, got \"" + std::string(text) + "\"");
  if (auto status = BraceReader(text, limits).read(nullptr, labels); !status) return status.error();
  return labels;
}

void append_escaped(std::string& out, std::string_view text, Quotes quotes) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (c == '"' && quotes == Quotes::kEscape)) out += '\\';
    out += c;
  }
}

}  // namespace sidemeter
