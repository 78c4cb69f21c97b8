#include "agent/text_table.h"

#include "tests/support/catch.h"

namespace sidemeter::test {

using Align = Column::Align;

TEST_CASE("columns are as wide as their widest word, numbers stand to the right") {
  CHECK(format_table({{"NAME"}, {"N", Align::kRight}, {"NOTE"}},
                     {{"a", "1", ""}, {"longer", "1000", "x"}}) ==
        "NAME       N  NOTE\n"
        "a          1\n"
        "longer  1000  x\n");
}

TEST_CASE("widths count characters, not bytes") {
  CHECK(format_table({{"A"}, {"B"}}, {{"\xC3\xA9\xC3\xA9", "x"}, {"ab", "y"}}) ==
        "A   B\n\xC3\xA9\xC3\xA9  x\nab  y\n");
}

TEST_CASE("a peer's word cannot steer the terminal") {
  CHECK(format_table({{"A"}}, {{"a\033[2Jb\nc\x7F"}}) == "A\na?[2Jb?c?\n");
}

}  // namespace sidemeter::test
