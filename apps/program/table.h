#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace millrace {

/// Rows of text in aligned columns, for people and for cut(1): two blanks between columns, none at
/// the end of a line.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_{std::move(columns)} {}
  /// REQUIRES: one cell per column.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace millrace
