#pragma once

#include <string>
#include <vector>

namespace auth::authctl {

enum class Align { kLeft, kRight };

// Rows of cells, each column as wide as its widest cell. Cells may hold ANSI colours.
//
//   Table table({Align::kLeft, Align::kRight});
//   table.Add({"name", "42"});
//   std::cout << table.Text();
class Table {
 public:
  // One for each column.
  explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}

  // As many cells as columns.
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // A line for each row, without spaces at its end.
  std::string Text() const;

 private:
  const std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace auth::authctl
