#include "agent/text_table.h"

#include <algorithm>
#include <cassert>

#include "proto/utf8.h"

namespace sidemeter {
namespace {

std::string shown(const std::string& word) {
  std::string text = word;
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return text;
}

// Without the blanks that would end it.
void append_line(std::string& out, const std::vector<Column>& columns,
                 const std::vector<std::size_t>& widths, const Row& row) {
  assert(row.size() == columns.size());
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto word = shown(row[i]);
    const std::string padding(widths[i] - count_characters(word), ' ');
    if (i > 0) line += "  ";
    line += columns[i].align == Column::Align::kRight ? padding + word : word + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + '\n';
}

}  // namespace

std::string format_table(const std::vector<Column>& columns, const std::vector<Row>& rows) {
  Row titles;
  std::vector<std::size_t> widths;
  for (const auto& column : columns) {
    titles.push_back(column.title);
    widths.push_back(count_characters(column.title));
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], count_characters(shown(row[i])));
    }
  }
  std::string out;
  append_line(out, columns, widths, titles);
  for (const auto& row : rows) append_line(out, columns, widths, row);
  return out;
}

}  // namespace sidemeter
