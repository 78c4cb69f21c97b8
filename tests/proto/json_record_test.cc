#include "proto/json_record.h"

#include <vector>

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

const PushLimits kLimits;

// Each record as a text: an update in line form, another by its kind, a refusal by its reason.
std::vector<std::string> read(std::string_view text) {
  std::vector<std::string> found;
  parse_json_records(text, kLimits, [&](const Result<Record>& record) {
    if (!record) {
      found.emplace_back(word(record.error().reason));
    } else if (const auto* sync = std::get_if<Sync>(&*record)) {
      found.push_back("sync " + std::string(sync->token));
    } else if (const auto* hello = std::get_if<Hello>(&*record)) {
      found.push_back("hello " + std::to_string(hello->version.value_or(0)));
    } else if (const auto* declaration = std::get_if<Declaration>(&*record)) {
      found.push_back("declare " + declaration->name);
    } else {
      found.emplace_back("update");
    }
  });
  return found;
}

using Texts = std::vector<std::string>;

TEST_CASE("an array is so many records") {
  CHECK(read("[{\"counter\":\"x\"},7,{\"sync\":\"42\"},{\"declare\":\"y\",\"type\":\"gauge\"}]") ==
        Texts{"update", "bad_json", "sync 42", "declare y"});
  CHECK(read("[]").empty());
  CHECK(read("{\"hello\":{\"v\":1}}") == Texts{"hello 1"});
}

TEST_CASE("what is not a record is refused once") {
  for (const char* text : {"{", "{\"counter\":\"x\",}", "{} x", "{\"a\":1}", "{\"counter\":7}",
                           "{\"counter\":\"x\",\"ad\":1}", "{\"counter\":\"x\",\"counter\":\"y\"}",
                           "{\"hello\":{\"v\":1},\"x\":2}"}) {
    CHECK(read(text) == Texts{"bad_json"});
  }
  CHECK(read("{\"counter\":\"\xFF\"}") == Texts{"bad_utf8"});
  CHECK(read("{\"counter\":\"a\\u0000\"}") == Texts{"bad_syntax"});
}

TEST_CASE("a NUL anywhere in JSON is refused, and what follows it is not skipped") {
  const std::string_view record = "[{\"counter\":\"x\"}]";
  for (std::size_t at = 0; at <= record.size(); ++at) {
    std::string text(record);
    text.insert(at, 1, '\0');
    CHECK(read(text) == Texts{"bad_syntax"});
  }
}

TEST_CASE("a pid fits what a kernel gives") {
  CHECK(read("{\"hello\":{\"v\":1,\"pid\":9223372036854775807}}") == Texts{"hello 1"});
  CHECK(read("{\"hello\":{\"v\":1,\"pid\":9223372036854775808}}") == Texts{"bad_json"});
  CHECK(read("{\"hello\":{\"v\":1,\"pid\":-1}}") == Texts{"bad_json"});
}

TEST_CASE("JSON nests so deep and no deeper") {
  const auto message = [](const std::string& text) {
    std::string found;
    parse_json_records(text, kLimits, [&](const Result<Record>& record) {
      if (!record) found = record.error().message;
    });
    return found;
  };
  const auto deep = [](std::size_t levels) {
    return std::string(levels, '[') + "1" + std::string(levels, ']');
  };
  CHECK(message(deep(kMaxJsonDepth)).find("nests") == std::string::npos);
  CHECK(message(deep(kMaxJsonDepth + 1)).find("nests at most 8") != std::string::npos);
  CHECK(read(std::string(100'000, '[')) == Texts{"bad_json"});
  CHECK(read("[[[[[[[[[[[[{}]]]]]]]]]]]]") == Texts{"bad_json"});
}

TEST_CASE("a key given twice refuses the record that says it, and no other") {
  CHECK(read("[{\"counter\":\"x\"},[{\"a\":1,\"a\":2}],{\"counter\":\"y\"}]") ==
        Texts{"update", "bad_json", "update"});
}

TEST_CASE("eight arrays and objects in each other are read, one more is too deep") {
  // The ninth refusal is of the whole text: nothing of it is taken.
  const auto nested = [](std::size_t levels) {
    return "[{\"counter\":\"x\"}," + std::string(levels - 1, '[') + std::string(levels - 1, ']') +
           "]";
  };
  CHECK(read(nested(8)) == Texts{"update", "bad_json"});
  CHECK(read(nested(9)) == Texts{"bad_json"});
}

TEST_CASE("a sync token has 256 bytes at most") {
  const auto sync = [](std::size_t bytes) {
    return "{\"sync\":\"" + std::string(bytes, 't') + "\"}";
  };
  CHECK(read(sync(256)) == Texts{"sync " + std::string(256, 't')});
  CHECK(read(sync(257)) == Texts{"bad_syntax"});
}

}  // namespace
}  // namespace sidemeter
