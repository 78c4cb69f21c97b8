#include "agent/ingest/replies.h"

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

TEST_CASE("a reply to sync is the protocol's example") {
  std::string out;
  append_ok(out, Form::kLine, "42", {120, 2, "line 7: counter increment must be >= 0, got -1"});
  CHECK(out ==
        "ok 42 accepted=120 rejected=2 first=\"line 7: counter increment must be >= 0, got -1\"\n");
}

TEST_CASE("a reply in JSON is one line of JSON") {
  std::string out;
  append_ok(out, Form::kJson, "a\"b", {1, 1, "line 1: a\nb"});
  CHECK(out ==
        "{\"ok\":\"a\\\"b\",\"accepted\":1,\"rejected\":1,\"first\":\"line 1: a\\u000ab\"}\n");
}

TEST_CASE("an error is one line, whatever its message holds") {
  std::string out;
  append_error(out, Form::kLine, 3, {Reason::kBadValue, "got \"a\nb\""});
  CHECK(out == "err 3 bad_value got \"a\\nb\"\n");
}

}  // namespace
}  // namespace sidemeter
