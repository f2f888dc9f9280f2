// Rows for people and for spreadsheets.
#pragma once

#include <string>
#include <vector>

namespace novacron::host::cli {

using Row = std::vector<std::string>;

struct Table {
  Row headings;
  std::vector<Row> rows;
};

/// The width of each column so that all of the table fits.
std::vector<size_t> column_widths(const Table& table);

/// One aligned line, ended by a newline, without spaces at its end. A cell wider than its column moves the others.
std::string table_line(const Row& row, const std::vector<size_t>& widths);

/// Headings and rows, aligned. Control characters are escaped; an empty cell is "-".
std::string render_table(const Table& table);

/// RFC 4180 with "\n". Empty cells stay empty. A cell that a spreadsheet would run as a formula is preceded by "'".
std::string render_csv(const Table& table);

}  // namespace novacron::host::cli
