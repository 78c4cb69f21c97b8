#include "agent/tls/record_boundary.h"

#include <string>

#include "tests/support/catch.h"

namespace sidemeter::test {
namespace {

const std::string kEmpty = std::string("\x16\x03\x03\x00\x00", 5);
const std::string kThree = std::string("\x17\x03\x03\x00\x03", 5) + "abc";

}  // namespace

TEST_CASE("within a record, and between two, in pieces of any size") {
  for (const std::size_t piece : {1, 2, 3, 100}) {
    RecordBoundary boundary;
    const std::string bytes = kThree + kEmpty + kThree;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      boundary.push(bytes.substr(at, piece));
      const std::size_t end = std::min(at + piece, bytes.size());
      CHECK(boundary.within_record() == (end != 8 && end != 13 && end != 21));
    }
  }
}

TEST_CASE("a record's end is told once") {
  RecordBoundary boundary;
  boundary.push(kThree.substr(0, 7));
  CHECK_FALSE(boundary.take_completed());
  boundary.push(kThree.substr(7));
  CHECK(boundary.take_completed());
  CHECK_FALSE(boundary.take_completed());
  boundary.push(kEmpty);
  CHECK(boundary.take_completed());
}

TEST_CASE("an alert that anybody can read is known by its type") {
  RecordBoundary boundary;
  boundary.push(kThree);
  CHECK_FALSE(boundary.is_plain_alert());
  boundary.push(std::string("\x15\x03\x03\x00\x02\x02\x30", 7));
  CHECK(boundary.is_plain_alert());
}

}  // namespace sidemeter::test
