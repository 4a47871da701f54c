#include "millrace/apps/program/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "millrace/framework/check.h"

namespace millrace {

void Table::add(std::vector<std::string> cells) {
  MILLRACE_CHECK(cells.size() == columns_.size(), "a row has one cell per column");
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) {
    titles.push_back(column.title);
    widths.push_back(column.title.size());
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  const auto append = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) out += "  ";
      out += columns_[i].align == Align::kRight ? fmt::format("{:>{}}", cells[i], widths[i])
                                                : fmt::format("{:<{}}", cells[i], widths[i]);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  };
  append(titles);
  for (const auto& row : rows_) append(row);
  return out;
}

}  // namespace millrace
