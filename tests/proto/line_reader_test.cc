#include "proto/line_reader.h"

#include <vector>

#include "tests/support/catch.h"

namespace sidemeter {
namespace {

// Feeds the bytes in pieces of this size; a line that is too long reads "<too long>".
std::vector<std::string> lines(std::string_view bytes, std::size_t piece, std::size_t limit = 100) {
  LineReader reader(limit);
  std::vector<std::string> found;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.push(bytes.substr(at, piece));
    for (auto line = reader.next(); line.kind != Line::kNone; line = reader.next()) {
      found.push_back(line.kind == Line::kTooLong ? "<too long>" : std::string(line.text));
    }
  }
  return found;
}

TEST_CASE("lines are the same whole and byte by byte, without LF and CR") {
  const std::string bytes = "one\r\n\ntwo\nthree\r\nrest";
  const std::vector<std::string> wanted = {"one", "", "two", "three"};
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) CHECK(lines(bytes, piece) == wanted);
}

TEST_CASE("a line at the limit is whole, one byte past it is too long and skipped") {
  const std::string bytes = "12345678\n123456789\nafter\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    CHECK(lines(bytes, piece, 8) == std::vector<std::string>{"12345678", "<too long>", "after"});
  }
}

TEST_CASE("an unfinished line is told of at the end") {
  LineReader reader(8);
  reader.push("a\nb");
  while (reader.next().kind != Line::kNone) {
  }
  CHECK(reader.within_line());
  reader.push("\n");
  CHECK(reader.next().text == "b");
  CHECK_FALSE(reader.within_line());
}

TEST_CASE("the views of one push stay valid together") {
  LineReader reader(100);
  reader.push("unfin");
  CHECK(reader.next().kind == Line::kNone);
  reader.push("ished\nnext\ntail");
  const auto first = reader.next();
  const auto second = reader.next();
  CHECK(reader.next().kind == Line::kNone);
  CHECK(first.text == "unfinished");
  CHECK(second.text == "next");
}

}  // namespace
}  // namespace sidemeter
