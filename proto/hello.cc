#include "proto/hello.h"

#include <charconv>
#include <utility>

#include "proto/fields.h"
#include "proto/limits.h"
#include "proto/words.h"

namespace sidemeter {
namespace {

Error syntax(std::string message) { return {Reason::kBadSyntax, std::move(message)}; }

template <typename Integer>
bool read_whole(std::string_view text, Integer& number) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc() && end == text.data() + text.size() && !text.empty();
}

Status set(std::optional<std::string>& text, Field field) {
  auto value = checked_hello_value(field.key, std::move(field.value));
  if (!value) return value.error();
  text = *std::move(value);
  return Done{};
}

Status set(Hello& hello, Field field) {
  const auto& [key, value] = field;
  if (key == "instance") return set(hello.instance, std::move(field));
  if (key == "client") return set(hello.client, std::move(field));
  if (key == "v") {
    std::uint32_t version = 0;
    if (!read_whole(value, version)) {
      return Error{Reason::kBadVersion, "a version is a whole number, got \"" + value + "\""};
    }
    hello.version = version;
    return Done{};
  }
  if (key == "pid") {
    std::int64_t pid = 0;
    if (!read_whole(value, pid) || pid < 0) {
      return syntax("a pid is a whole number, got \"" + value + "\"");
    }
    hello.pid = pid;
    return Done{};
  }
  if (key == "errors") {
    if (value != "0" && value != "1") return syntax("errors is 0 or 1, got \"" + value + "\"");
    hello.errors = value == "1";
    return Done{};
  }
  return syntax("hello takes v, pid, instance, client and errors, got \"" + key + "\"");
}

}  // namespace

Result<Hello> parse_hello(std::string_view rest) {
  Hello hello;
  while (!rest.empty()) {
    auto field = take_field(rest);
    if (!field) return field.error();
    if (auto status = set(hello, *std::move(field)); !status) return status.error();
  }
  return hello;
}

Result<Sync> parse_sync(std::string_view rest) {
  const auto token = take_word(rest);
  if (token.empty() || !rest.empty()) return syntax("sync wants one word");
  if (token.size() > kMaxTokenBytes) {
    return syntax("a sync token is at most " + std::to_string(kMaxTokenBytes) + " bytes");
  }
  return Sync{Form::kLine, token};
}

Result<std::string> checked_hello_value(std::string_view key, std::string value) {
  if (value.size() <= kMaxHelloValueBytes) return value;
  return Error{Reason::kBadValue, std::string(key) + " is at most " +
                                      std::to_string(kMaxHelloValueBytes) + " bytes, got " +
                                      std::to_string(value.size())};
}

}  // namespace sidemeter
