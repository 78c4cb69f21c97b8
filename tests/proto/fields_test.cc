#include "proto/fields.h"

#include <vector>

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

std::vector<std::pair<std::string, std::string>> read(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!text.empty()) {
    const auto field = take_field(text);
    REQUIRE(field);
    fields.emplace_back(field->key, field->value);
  }
  return fields;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("fields are words with an equals sign, or quoted") {
  CHECK(read("a=1 b=2") == Fields{{"a", "1"}, {"b", "2"}});
  CHECK(read("a=1\t b=x=y ") == Fields{{"a", "1"}, {"b", "x=y"}});
  CHECK(read(R"(a="x y" b="q\"\\\n")") == Fields{{"a", "x y"}, {"b", "q\"\\\n"}});
  CHECK(read(R"(a= b="")") == Fields{{"a", ""}, {"b", ""}});
}

TEST_CASE("what is no field is refused") {
  for (const char* text : {"a", "=1", "a b=1", R"(a="x)", R"(a="x"y)", R"(a="\)"}) {
    std::string_view rest = text;
    CAPTURE(text);
    CHECK_FALSE(take_field(rest));
  }
}

TEST_CASE("what is written is read again") {
  const Fields fields = {{"plain", "web-3"}, {"blank", "a b"},  {"empty", ""},
                         {"quote", "a\"b"},  {"slash", "a\\b"}, {"line", "a\nb"}};
  std::string text;
  for (const auto& [key, value] : fields) append_field(text, key, value);
  CHECK(read(std::string_view(text).substr(1)) == fields);
}

}  // namespace
}  // namespace sidemeter
