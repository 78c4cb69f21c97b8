#include "proto/record.h"

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

const PushLimits kLimits;

template <typename T>
T read(std::string_view line) {
  const auto record = parse_record(line, kLimits);
  REQUIRE(record);
  REQUIRE(std::holds_alternative<T>(*record));
  return std::get<T>(*record);
}

std::string refusal(std::string_view line) {
  const auto record = parse_record(line, kLimits);
  return record ? "" : std::string(word(record.error().reason));
}

TEST_CASE("a line is cut into verb, series and operands") {
  const auto update = read<Update>("c http_requests_total{method=\"GET\"} 1");
  CHECK(update.verb == Verb::kCounter);
  CHECK(update.series == "http_requests_total{method=\"GET\"}");
  CHECK(update.operands == "1");
  CHECK(read<Update>("g x{a=\"} 1\"}  2 ").operands == "2");
  CHECK(read<Update>("g x{a=\"} 1\"}  2 ").series == "x{a=\"} 1\"}");
  CHECK(read<Update>("c x{a=\"b\"} 1 # {t=\"c\"} 1").series == "x{a=\"b\"}");
  CHECK(read<Update>("c\tx\t1").operands == "1");
  CHECK(read<Update>("clear x").verb == Verb::kClear);
}

TEST_CASE("a handle is bound by verb and series, and used by anything else") {
  const auto binding = read<Binding>("@7 c x{a=\"1\"}");
  CHECK(binding.handle == 7);
  CHECK(binding.series == "x{a=\"1\"}");
  CHECK(read<HandleUpdate>("@7 1.5").operands == "1.5");
  CHECK(read<HandleUpdate>("@7").operands.empty());
  CHECK(read<HandleUpdate>("@16383 1").handle == 16383);
  CHECK(refusal("@16384 1") == "unknown_handle");
  CHECK(refusal("@ 1") == refusal("@x 1"));
}

TEST_CASE("hello and sync") {
  const auto hello = read<Hello>("hello v=1 pid=123 instance=\"web 3\" errors=1");
  CHECK(hello.version == 1u);
  CHECK(hello.pid == 123);
  CHECK(hello.instance == "web 3");
  CHECK(hello.errors == true);
  CHECK(read<Sync>("sync 42").token == "42");
  CHECK(refusal("sync") == "bad_syntax");
  CHECK(refusal("sync a b") == "bad_syntax");
  CHECK(refusal("hello v=x") == "bad_version");
  CHECK(refusal("hello colour=red") == "bad_syntax");
}

TEST_CASE("empty lines and comments are nothing, whatever a comment holds") {
  read<Nothing>("");
  read<Nothing>(" \t");
  read<Nothing>("# \xFF");
}

TEST_CASE("a record is UTF-8 without NUL, and has a verb") {
  CHECK(refusal("c x{a=\"\xFF\"}") == "bad_utf8");
  CHECK(refusal(std::string_view("c x\0y 1", 7)) == "bad_syntax");
  CHECK(refusal("q x 1") == "unknown_verb");
  CHECK(refusal("C x 1") == "unknown_verb");
  CHECK(refusal("c") == "bad_syntax");
}

}  // namespace
}  // namespace sidemeter
