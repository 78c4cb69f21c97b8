#include "proto/series.h"

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

const PushLimits kLimits;

Reason refusal(std::string_view text) {
  const auto series = parse_series(text, kLimits);
  REQUIRE_FALSE(series);
  return series.error().reason;
}

TEST_CASE("a series is a name and labels, with blanks and a trailing comma") {
  const auto series = parse_series("x { a = \"1\" ,\tb=\"2\", }", kLimits);
  REQUIRE(series);
  CHECK(series->name == "x");
  CHECK(series->labels == std::vector<Label>{{"a", "1"}, {"b", "2"}});
}

TEST_CASE("values are unescaped") {
  CHECK(parse_series(R"(x{a="\\\"\n"})", kLimits)->labels[0].value == "\\\"\n");
  CHECK(refusal(R"(x{a="\t"})") == Reason::kBadSyntax);
}

TEST_CASE("a name outside the classic set is quoted inside the braces") {
  const auto series = parse_series(R"({"my.metric","l.x"="v"})", kLimits);
  REQUIRE(series);
  CHECK(series->name == "my.metric");
  CHECK(series->labels == std::vector<Label>{{"l.x", "v"}});
  CHECK(refusal("my.metric") == Reason::kBadName);
  CHECK(refusal("9lives") == Reason::kBadName);
  CHECK(refusal("{a=\"1\"}") == Reason::kBadName);
  CHECK(refusal("x{\"y\"}") == Reason::kBadSyntax);
}

TEST_CASE("labels that are not labels are refused") {
  CHECK(refusal("x{9a=\"1\"}") == Reason::kBadLabel);
  CHECK(refusal("x{__a=\"1\"}") == Reason::kBadLabel);
  CHECK(refusal("x{a}") == Reason::kBadSyntax);
  CHECK(refusal("x{a=1}") == Reason::kBadSyntax);
  CHECK(refusal("x{a=\"1\"") == Reason::kBadSyntax);
  CHECK(refusal("x{a=\"1") == Reason::kBadSyntax);
  CHECK(refusal("x{a=\"1\" b=\"2\"}") == Reason::kBadSyntax);
}

TEST_CASE("labels, their values and names are limited: at the limit, and one past it") {
  const auto with_labels = [](std::size_t count) {
    std::string text = "x{";
    for (std::size_t i = 0; i < count; ++i) text += "l" + std::to_string(i) + "=\"v\",";
    return text + "}";
  };
  CHECK(parse_series(with_labels(32), kLimits));
  CHECK(refusal(with_labels(33)) == Reason::kLabelLimit);
  CHECK(parse_series("x{l=\"" + std::string(2048, 'v') + "\"}", kLimits));
  CHECK(refusal("x{l=\"" + std::string(2049, 'v') + "\"}") == Reason::kLabelLimit);
  CHECK(parse_series(std::string(512, 'n'), kLimits));
  CHECK(refusal(std::string(513, 'n')) == Reason::kBadName);
}

TEST_CASE("a series ends at its brace or at a blank") {
  CHECK(series_length("x 1") == 1);
  CHECK(series_length("x{a=\"}\"} 1") == 8);
  CHECK(series_length("x {a=\"\\\"}\"} 1") == 11);
  CHECK(series_length("") == 0);
}

}  // namespace
}  // namespace sidemeter
