// What a session says of itself, and what it asks (PROTOCOL.md, "Hello, sync and
// replies", "Listings").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/result.h"

namespace sidemeter {

// A `hello` or `sync` in JSON is answered in JSON.
enum class Form : std::uint8_t { kLine, kJson };

struct Hello {
  Form form = Form::kLine;
  std::optional<std::uint32_t> version;
  std::optional<std::int64_t> pid;
  std::optional<std::string> instance;
  std::optional<std::string> client;
  std::optional<bool> errors;
};

struct Sync {
  Form form = Form::kLine;
  std::string_view token;
};

// Answered to the agent's own user and root only.
enum class Question : std::uint8_t { kSessions, kFamilies };

// What follows the word. Reasons: kBadSyntax, kBadVersion, kBadValue.
Result<Hello> parse_hello(std::string_view rest);
Result<Sync> parse_sync(std::string_view rest);

// What both forms check of `instance` and `client`. Reason: kBadValue.
Result<std::string> checked_hello_value(std::string_view key, std::string value);

}  // namespace sidemeter
