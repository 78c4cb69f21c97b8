// One definition an option: its flag, and from that its environment variable and its key in the
// file; its help; and how its value is read into the field it sets.
#pragma once

#include <algorithm>
#include <cctype>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config_file.h"
#include "agent/option_value.h"

namespace sidemeter {

// One option of `serve`, in all its spellings.
struct Option {
  using Kind = ConfigEntry::Kind;
  static constexpr std::string_view kPrefix = "SIDEMETER_";

  std::string flag;         // "max-series"
  Kind kind;                // in the file: kNumber may also be a text, as "64KiB"
  std::string placeholder;  // of its value, in the help
  std::string help;
  std::function<Parsed<Done>(const std::vector<std::string>&)> set;
  std::string section_key = {};  // in the file also "tls_server_config.cert_file"
  // SIDEMETER_MAX_SERIES
  std::string variable() const {
    std::string name(kPrefix);
    for (const char c : flag) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
    return name;
  }
  // A switch that turns something off is that thing in the file: `"self_metrics": false`.
  bool turns_off() const { return flag.starts_with("no-"); }
  std::string key() const {
    std::string name = turns_off() ? flag.substr(3) : flag;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
  }
};

// Defines options: each is bound to the field that it sets, whose value so far is its default.
class Table {
 public:
  using Kind = Option::Kind;
  using Values = std::vector<std::string>;

  // One text, read by `parse` into `field`.
  template <typename Field, typename Parse>
  void one(std::string flag, Kind kind, std::string placeholder, std::string help, Field& field,
           Parse parse) {
    options_.push_back({std::move(flag), kind, std::move(placeholder), std::move(help),
                        [&field, parse](const Values& values) -> Parsed<Done> {
                          const auto parsed = parse(values.back());
                          if (!parsed) return parsed.error();
                          field = static_cast<Field>(*parsed);
                          return Done{};
                        }});
  }

  // Several, each read by `parse` into an element of `field`.
  template <typename Element, typename Parse>
  void list(std::string flag, std::string placeholder, std::string help,
            std::vector<Element>& field, Parse parse) {
    options_.push_back({std::move(flag), Kind::kList, std::move(placeholder), std::move(help),
                        [&field, parse](const Values& values) -> Parsed<Done> {
                          field.clear();
                          for (const std::string& value : values) {
                            const auto parsed = parse(value);
                            if (!parsed) return parsed.error();
                            field.push_back(static_cast<Element>(*parsed));
                          }
                          return Done{};
                        }});
  }

  template <typename Field>
  void count(std::string flag, Field& field, Range range, const std::string& help) {
    one(std::move(flag), Kind::kNumber, "N", help + " (" + std::to_string(field) + ")", field,
        [range](const std::string& text) { return parse_count(text, range); });
  }

  template <typename Field>
  void bytes(std::string flag, Field& field, Range range, const std::string& help) {
    one(std::move(flag), Kind::kNumber, "BYTES", help + " (" + std::to_string(field) + ")", field,
        [range](const std::string& text) { return parse_bytes(text, range); });
  }

  void seconds(std::string flag, std::uint64_t& field_ms, Range range_ms, const std::string& help) {
    one(std::move(flag), Kind::kNumber, "SECONDS",
        help + " (" + std::to_string(field_ms / 1000) + ")", field_ms,
        [range_ms](const std::string& text) { return parse_seconds(text, range_ms); });
  }

  template <typename Field>
  void words(std::string flag, Field& field, std::vector<std::pair<std::string, Field>> meanings,
             const std::string& help) {
    std::string wanted_words;
    for (const auto& [word, meaning] : meanings) {
      wanted_words += (wanted_words.empty() ? "" : "|") + word;
    }
    one(std::move(flag), Kind::kText, wanted_words, help, field,
        [meanings, wanted_words](const std::string& text) -> Parsed<Field> {
          for (const auto& [word, meaning] : meanings) {
            if (word == text) return meaning;
          }
          return wanted(wanted_words, text);
        });
  }

  Option& last() { return options_.back(); }
  const std::vector<Option>& options() const { return options_; }

 private:
  std::vector<Option> options_;
};

}  // namespace sidemeter
