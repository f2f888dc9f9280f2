#include "host/cli/table.h"

#include <algorithm>

#include "host/cli/text.h"

namespace novacron::host::cli {
namespace {

constexpr size_t kGap = 3;

std::string cell_text(const std::string& cell) {
  return cell.empty() ? "-" : printable(cell);
}

std::string csv_cell(std::string cell) {
  const bool formula = !cell.empty() && std::string_view("=+-@\t\r").find(cell[0]) != std::string_view::npos;
  const bool number = cell.size() > 1 && cell.find_first_not_of("0123456789.", 1) == std::string::npos;
  if (formula && !number) cell.insert(0, "'");
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string csv_line(const Row& row) {
  std::string line;
  for (size_t i = 0; i < row.size(); ++i) line += (i > 0 ? "," : "") + csv_cell(row[i]);
  return line + "\n";
}

}  // namespace

std::vector<size_t> column_widths(const Table& table) {
  std::vector<size_t> widths;
  const auto widen = [&widths](const Row& row) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], text_width(cell_text(row[i])));
  };
  widen(table.headings);
  for (const Row& row : table.rows) widen(row);
  return widths;
}

std::string table_line(const Row& row, const std::vector<size_t>& widths) {
  std::string line;
  for (size_t i = 0; i < row.size(); ++i) {
    const size_t width = i < widths.size() ? widths[i] : 0;
    line += pad_right(cell_text(row[i]), width) + std::string(kGap, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string render_table(const Table& table) {
  const std::vector<size_t> widths = column_widths(table);
  std::string out = table.headings.empty() ? "" : table_line(table.headings, widths);
  for (const Row& row : table.rows) out += table_line(row, widths);
  return out;
}

std::string render_csv(const Table& table) {
  std::string out = csv_line(table.headings);
  for (const Row& row : table.rows) out += csv_line(row);
  return out;
}

}  // namespace novacron::host::cli
