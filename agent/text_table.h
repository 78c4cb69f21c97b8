// Lays out rows of words in columns, for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sidemeter {

struct Column {
  std::string title;
  enum class Align { kLeft, kRight } align = Align::kLeft;
};

using Row = std::vector<std::string>;

// A line for the titles and one for each row, two blanks between columns; every row has a word
// for every column. Widths count characters. A control character is shown as `?`, since words
// may come from any peer.
std::string format_table(const std::vector<Column>& columns, const std::vector<Row>& rows);

}  // namespace sidemeter
