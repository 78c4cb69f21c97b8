// A value, or words about why there is none.
//
// No function of Sidemeter throws at its caller. What can go wrong with a
// peer's bytes is a `Reason` (a fixed word, counted and told to the peer) and a
// message that says what was found and what was wanted.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sidemeter {

// Why a record was refused. The words are part of the protocol
// (proto/PROTOCOL.md, "Reasons"): never renamed, only added to.
enum class Reason : std::uint8_t {
  kBadSyntax,
  kBadName,
  kBadLabel,
  kBadValue,
  kBadJson,
  kBadUtf8,
  kTypeConflict,
  kDeclarationConflict,
  kNameCollision,
  kNegativeCounter,
  kUnknownHandle,
  kUnknownState,
  kUnknownVerb,
  kSeriesLimit,
  kFamilyLimit,
  kLabelLimit,
  kSessionLimit,
  kLineTooLong,
  kTruncated,
  kBadVersion,
  kForbidden,
};

inline constexpr std::size_t kReasonCount = 21;

// The words, in the order of the enumeration.
inline constexpr std::array<std::string_view, kReasonCount> kReasonWords = {
    "bad_syntax",     "bad_name",         "bad_label",      "bad_value",
    "bad_json",       "bad_utf8",         "type_conflict",  "declaration_conflict",
    "name_collision", "negative_counter", "unknown_handle", "unknown_state",
    "unknown_verb",   "series_limit",     "family_limit",   "label_limit",
    "session_limit",  "line_too_long",    "truncated",      "bad_version",
    "forbidden",
};

constexpr std::string_view word(Reason reason) {
  return kReasonWords[static_cast<std::size_t>(reason)];
}

struct Error {
  Reason reason;
  std::string message;
};

// E is `Error` where a peer is told, and another struct of words elsewhere.
template <typename T, typename E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : state_(std::in_place_index<1>, std::make_unique<E>(std::move(error))) {}

  explicit operator bool() const { return state_.index() == 0; }

  const T& operator*() const& { return value(); }
  T& operator*() & { return const_cast<T&>(value()); }
  T&& operator*() && { return std::move(const_cast<T&>(value())); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &const_cast<T&>(value()); }

  const E& error() const {
    assert(!*this);
    return **std::get_if<1>(&state_);
  }

 private:
  const T& value() const {
    assert(*this);
    return *std::get_if<0>(&state_);
  }

  // Words live elsewhere: a result is made for every record, and nearly all are good.
  std::variant<T, std::unique_ptr<E>> state_;
};

struct Done {};

// Of what only succeeds or fails: `return Done{};`.
using Status = Result<Done>;

}  // namespace sidemeter
