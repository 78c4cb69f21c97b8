#include "agent/config_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

namespace sidemeter {
namespace {

constexpr std::size_t kMaxFileBytes = 1024 * 1024;

// Walks the text and counts the lines it has passed. The copies that nlohmann makes
// of it count together.
class LineCountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  LineCountingIterator(const char* at, std::size_t* line) : at_(at), line_(line) {}

  reference operator*() const { return *at_; }
  LineCountingIterator& operator++() {
    if (*at_ == '\n') ++*line_;
    ++at_;
    return *this;
  }
  LineCountingIterator operator++(int) {
    const LineCountingIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const LineCountingIterator& a, const LineCountingIterator& b) {
    return a.at_ == b.at_;
  }

 private:
  const char* at_;
  std::size_t* line_;
};

// Receives the text token by token. A false answer stops the parser; error() then says why.
class ConfigReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  ConfigReader(std::string_view text, const std::string& file_name,
               const std::vector<std::string>& keys, const std::size_t* line)
      : text_(text), file_name_(file_name), keys_(keys), line_(line) {}

  std::vector<ConfigEntry>& entries() { return entries_; }
  OptionsError error() const { return {file_name_ + ":" + error_}; }

  bool null() override { return fail_value("null"); }
  bool boolean(bool value) override {
    return add(ConfigEntry::Kind::kSwitch, value ? "true" : "false");
  }
  bool number_integer(number_integer_t value) override {
    return add(ConfigEntry::Kind::kNumber, std::to_string(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return add(ConfigEntry::Kind::kNumber, std::to_string(value));
  }
  bool number_float(number_float_t, const string_t& text) override {
    return add(ConfigEntry::Kind::kNumber, text);
  }
  bool string(string_t& text) override { return add(ConfigEntry::Kind::kText, text); }
  bool binary(binary_t&) override { return fail_value("binary"); }

  bool start_object(std::size_t) override {
    if (inside_ && !opens_section_) return fail_value("an object");
    inside_ = true;
    opens_section_ = false;
    return true;
  }
  bool key(string_t& key) override {
    if (section_.empty() && is_section(key)) {
      section_ = key + ".";
      opens_section_ = true;
      return true;
    }
    const std::string name = section_ + key;
    const auto is_name = [&name](const ConfigEntry& entry) { return entry.key == name; };
    if (!is_known(name)) {
      const std::string near = nearest_word(name, keys_);
      return fail("unknown key \"" + name + "\"" +
                  (near.empty() ? "" : " (did you mean \"" + near + "\"?)"));
    }
    if (const auto first = std::find_if(entries_.begin(), entries_.end(), is_name);
        first != entries_.end()) {
      return fail("key \"" + name + "\" is here twice, first in line " +
                  std::to_string(first->line));
    }
    entries_.push_back({name, ConfigEntry::Kind::kText, {}, *line_});
    return true;
  }
  bool end_object() override {
    section_.clear();
    return true;
  }

  bool start_array(std::size_t) override {
    if (!inside_ || in_list_ || opens_section_) return fail_value("a list");
    in_list_ = true;
    entries_.back().kind = ConfigEntry::Kind::kList;
    return true;
  }
  bool end_array() override {
    in_list_ = false;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& exception) override {
    // `position` counts the bytes read, the offending one included. The library's words
    // follow its own "[…] parse error at line 1, column 2: ".
    const std::string_view read = text_.substr(0, std::min(position, text_.size()));
    const auto lines = std::count(read.begin(), read.end() - (read.empty() ? 0 : 1), '\n');
    const std::size_t line_end = read.substr(0, read.empty() ? 0 : read.size() - 1).rfind('\n');
    const std::size_t column =
        line_end == std::string_view::npos ? read.size() : read.size() - line_end - 1;
    std::string_view words = exception.what();
    const std::size_t place = words.find(": ");
    if (place != std::string_view::npos) words.remove_prefix(place + 2);
    error_ = std::to_string(lines + 1) + ":" + std::to_string(std::max<std::size_t>(column, 1)) +
             ": not JSON: " + std::string(words);
    return false;
  }

 private:
  bool is_section(const std::string& name) const {
    return std::any_of(keys_.begin(), keys_.end(),
                       [&name](const auto& key) { return key.starts_with(name + "."); });
  }

  bool is_known(const std::string& name) const {
    if (section_.empty() && name.find('.') != std::string::npos) return false;
    if (std::find(keys_.begin(), keys_.end(), name) != keys_.end()) return true;
    return !section_.empty() &&
           std::find(keys_.begin(), keys_.end(), section_ + "*") != keys_.end();
  }

  bool add(ConfigEntry::Kind kind, std::string value) {
    if (!inside_ || opens_section_) return fail_value(word(kind));
    if (in_list_ && kind == ConfigEntry::Kind::kSwitch) return fail_value("a switch in a list");
    if (!in_list_) entries_.back().kind = kind;
    entries_.back().values.push_back(std::move(value));
    return true;
  }

  bool fail_value(std::string_view found) {
    if (opens_section_) {
      return fail(section_.substr(0, section_.size() - 1) + ": expected an object, got " +
                  std::string(found));
    }
    if (!inside_) return fail("expected an object, got " + std::string(found));
    return fail(entries_.back().key + ": expected a text, a number, a list of them, or " +
                "true or false, got " + std::string(found));
  }

  bool fail(const std::string& words) {
    error_ = std::to_string(*line_) + ": " + words;
    return false;
  }

  const std::string_view text_;
  const std::string& file_name_;
  const std::vector<std::string>& keys_;
  const std::size_t* line_;
  std::vector<ConfigEntry> entries_;
  std::string error_;
  std::string section_;         // with its point: "tls_server_config."
  bool opens_section_ = false;  // its { comes next
  bool inside_ = false;
  bool in_list_ = false;
};

// Levenshtein's: insertions, deletions and replacements from one to the other.
std::size_t edits(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::string_view word(ConfigEntry::Kind kind) {
  switch (kind) {
    case ConfigEntry::Kind::kNumber: return "a number";
    case ConfigEntry::Kind::kSwitch: return "true or false";
    case ConfigEntry::Kind::kList: return "a list";
    case ConfigEntry::Kind::kText: break;
  }
  return "a text";
}

Parsed<std::vector<ConfigEntry>> parse_config(std::string_view text, const std::string& file_name,
                                              const std::vector<std::string>& keys) {
  std::size_t line = 1;
  ConfigReader reader(text, file_name, keys, &line);
  const LineCountingIterator begin(text.data(), &line);
  const LineCountingIterator end(text.data() + text.size(), &line);
  if (!nlohmann::json::sax_parse(begin, end, &reader)) return reader.error();
  return std::move(reader.entries());
}

Parsed<std::string> read_config_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             std::fclose);
  if (!file) return OptionsError{path + ": cannot open: " + std::strerror(errno)};
  std::string text(kMaxFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    return OptionsError{path + ": cannot read: " + std::strerror(errno)};
  }
  if (text.size() > kMaxFileBytes) return OptionsError{path + ": expected at most 1 MiB, got more"};
  return text;
}

std::string nearest_word(std::string_view misspelt, const std::vector<std::string>& words) {
  const auto distance = [misspelt](const std::string& a, const std::string& b) {
    return edits(misspelt, a) < edits(misspelt, b);
  };
  const auto nearest = std::min_element(words.begin(), words.end(), distance);
  if (nearest == words.end() || edits(misspelt, *nearest) > 1 + misspelt.size() / 4) return "";
  return *nearest;
}

}  // namespace sidemeter
