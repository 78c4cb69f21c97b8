#include "proto/json_update.h"

#include "proto/json_record.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

// The record in line form, or the reason of its refusal.
std::string line(std::string_view json) {
  std::string out;
  parse_json_records(json, PushLimits{}, [&](const Result<Record>& record) {
    if (!record) {
      out = word(record.error().reason);
      return;
    }
    const auto& update = std::get<Update>(*record);
    out = std::string(word(update.verb)) + '|' + std::string(update.series) + '|' +
          std::string(update.operands);
  });
  return out;
}

TEST_CASE("JSON is rendered in line form") {
  CHECK(line(R"({"counter":"x"})") == "c|x|1");
  CHECK(line(R"({"counter":"x","labels":{"code":"2\"0"},"add":1.5})") ==
        "c|x{code=\"2\\\"0\"}| 1.5");
  CHECK(line(R"({"gauge":"q","add":-3})") == "g|q|+=-3");
  CHECK(line(R"({"gauge":"q","set":"+Inf"})") == "g|q|+Inf");
  CHECK(line(R"({"histogram":"h","observe":[0.1,[0.25,3]]})") == "h|h| 0.1 0.25*3");
  CHECK(line(R"({"histogram":"h","merge":{"sum":1.5,"counts":[1,0,2]}})") == "m|h| 1.5 1 0 2");
  CHECK(line(R"({"stateset":"j","state":"running"})") == "e|j|running");
  CHECK(line(R"({"info":"b","labels":{"version":"1"}})") == "i|b{version=\"1\"}|");
  CHECK(line(R"({"gauge":"my.metric","labels":{"l.x":"v"},"set":1})") ==
        "g|{\"my.metric\",\"l.x\"=\"v\"}| 1");
  CHECK(line(R"({"remove":"q","labels":{}})") == "x|q{}|");
}

TEST_CASE("a merge has counts of a histogram, or the count of a summary, and no exemplar") {
  CHECK(line(R"({"summary":"s","merge":{"sum":1.5,"count":4}})") == "m|s| 1.5 4");
  for (const char* json :
       {R"({"histogram":"h","merge":{"sum":1,"counts":5}})",
        R"({"histogram":"h","merge":{"sum":1,"count":5}})",
        R"({"summary":"s","merge":{"sum":1,"count":[5]}})", R"({"summary":"s","merge":{"sum":1}})",
        R"({"histogram":"h","merge":{"sum":1,"counts":[1]},"observe":1})",
        R"({"histogram":"h","merge":{"sum":1,"counts":[1]},"exemplar":{"labels":{},"value":1}})"}) {
    CHECK(line(json) == "bad_json");
  }
}

TEST_CASE("wrong kinds of values are refused") {
  for (const char* json :
       {R"({"counter":"x","add":"1"})", R"({"gauge":"x"})", R"({"gauge":"x","set":1,"add":1})",
        R"({"gauge":"x","set":"big"})", R"({"histogram":"x"})", R"({"counter":"x","labels":[]})",
        R"({"counter":"x","labels":{"a":1}})", R"({"stateset":"x"})"}) {
    CHECK(line(json) == "bad_json");
  }
  CHECK(line(R"({"counter":""})") == "bad_name");
}

}  // namespace
}  // namespace sidemeter
