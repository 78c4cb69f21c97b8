#include "agent/config_file.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/catch.h"

using sidemeter::ConfigEntry;
using sidemeter::nearest_word;
using sidemeter::parse_config;
using sidemeter::read_config_file;

namespace {

const std::vector<std::string> kKeys = {"listen", "max_series", "max_sessions", "self_metrics",
                                        "socket"};

std::vector<ConfigEntry> entries(std::string_view text) {
  const auto parsed = parse_config(text, "sidemeter.json", kKeys);
  INFO((parsed ? "" : parsed.error().message));
  REQUIRE(parsed);
  return *parsed;
}

std::string error(std::string_view text) {
  const auto parsed = parse_config(text, "sidemeter.json", kKeys);
  REQUIRE_FALSE(parsed);
  return parsed.error().message;
}

}  // namespace

TEST_CASE("an empty object configures nothing") { CHECK(entries("{}").empty()); }

TEST_CASE("each value comes with its kind, its texts and its line") {
  const auto found = entries(R"({
  "listen": ["127.0.0.1:1", "[::1]:2"],
  "max_series": 5,

  "self_metrics": false, "socket": "/a b"
})");
  REQUIRE(found.size() == 4);
  CHECK(found[0].kind == ConfigEntry::Kind::kList);
  CHECK(found[0].values == std::vector<std::string>{"127.0.0.1:1", "[::1]:2"});
  CHECK(found[0].line == 2);
  CHECK(found[1].kind == ConfigEntry::Kind::kNumber);
  CHECK(found[1].values == std::vector<std::string>{"5"});
  CHECK(found[1].line == 3);
  CHECK(found[2].kind == ConfigEntry::Kind::kSwitch);
  CHECK(found[2].values == std::vector<std::string>{"false"});
  CHECK(found[2].line == 5);
  CHECK(found[3].kind == ConfigEntry::Kind::kText);
  CHECK(found[3].values == std::vector<std::string>{"/a b"});
  CHECK(found[3].line == 5);
}

TEST_CASE("the line of a key behind a number is its own") {
  const auto found = entries("{\"max_series\":1\n,\n\"max_sessions\":2}");
  REQUIRE(found.size() == 2);
  CHECK(found[0].line == 1);
  CHECK(found[1].line == 3);
}

TEST_CASE("a number with a fraction keeps its spelling") {
  CHECK(entries(R"({"max_series": 0.250})")[0].values == std::vector<std::string>{"0.250"});
  CHECK(entries(R"({"max_series": -3})")[0].values == std::vector<std::string>{"-3"});
}

TEST_CASE("an unknown key is refused with its place and what was probably meant") {
  CHECK(error("{\n\n\n\n\n\n\"max_serie\": 1}") ==
        R"(sidemeter.json:7: unknown key "max_serie" (did you mean "max_series"?))");
  CHECK(error(R"({"colour": 1})") == R"(sidemeter.json:1: unknown key "colour")");
}

TEST_CASE("a key twice is refused, and the first one named") {
  CHECK(error("{\"socket\": \"a\",\n\"socket\": \"b\"}") ==
        R"(sidemeter.json:2: key "socket" is here twice, first in line 1)");
}

TEST_CASE("null, an object, and a list within a list are no values") {
  const std::string wanted = "expected a text, a number, a list of them, or true or false, got ";
  CHECK(error(R"({"socket": null})") == "sidemeter.json:1: socket: " + wanted + "null");
  CHECK(error("{\n\"socket\": {}}") == "sidemeter.json:2: socket: " + wanted + "an object");
  CHECK(error(R"({"listen": [[]]})") == "sidemeter.json:1: listen: " + wanted + "a list");
  CHECK(error(R"({"listen": [true]})") ==
        "sidemeter.json:1: listen: " + wanted + "a switch in a list");
}

TEST_CASE("the file holds an object and nothing else") {
  CHECK(error("[]") == "sidemeter.json:1: expected an object, got a list");
  CHECK(error("\n5") == "sidemeter.json:2: expected an object, got a number");
  CHECK_THAT(error("{} {}"), Catch::Matchers::StartsWith("sidemeter.json:1:4: not JSON: "));
}

TEST_CASE("a fault of syntax is told with line and column") {
  // The } in column 1 of line 3, where a key is wanted after the comma.
  CHECK_THAT(error("{\n  \"max_series\": 5,\n}"),
             Catch::Matchers::StartsWith("sidemeter.json:3:1: not JSON: "));
  // The second value in column 17 of line 1.
  CHECK_THAT(error("{\"max_series\":1 2}"),
             Catch::Matchers::StartsWith("sidemeter.json:1:17: not JSON: "));
  CHECK_THAT(error(""), Catch::Matchers::StartsWith("sidemeter.json:1:1: not JSON: "));
}

TEST_CASE("every prefix of a good file is refused, and none ends the program") {
  const std::string text = R"({"listen":["a",1],"self_metrics":true,"socket":"é\u00e9"})";
  for (std::size_t length = 0; length < text.size(); ++length) {
    CHECK_FALSE(parse_config(text.substr(0, length), "x", kKeys));
  }
}

TEST_CASE("a file is read whole, up to its limit") {
  char path[] = "/tmp/sidemeter-config-XXXXXX";
  close(mkstemp(path));
  std::ofstream(path) << std::string(1024 * 1024, ' ');
  CHECK(read_config_file(path));
  std::ofstream(path, std::ios::app) << ' ';
  const auto over = read_config_file(path);
  unlink(path);
  REQUIRE_FALSE(over);
  CHECK(over.error().message == std::string(path) + ": expected at most 1 MiB, got more");
}

TEST_CASE("a file that cannot be read is named with the cause") {
  const auto missing = read_config_file("/nonexistent/sidemeter.json");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message ==
        "/nonexistent/sidemeter.json: cannot open: No such file or directory");
  const auto folder = read_config_file("/");
  REQUIRE_FALSE(folder);
  CHECK(folder.error().message == "/: cannot read: Is a directory");
}

TEST_CASE("the nearest word is one a few letters away") {
  CHECK(nearest_word("max_serise", kKeys) == "max_series");
  CHECK(nearest_word("lisen", kKeys) == "listen");
  CHECK(nearest_word("zebra", kKeys).empty());
  CHECK(nearest_word("x", {}).empty());
}
