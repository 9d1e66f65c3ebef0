#include "client/authctl/table.h"

#include <algorithm>

#include "client/authctl/display_width.h"

namespace auth::authctl {
namespace {

constexpr char kGap[] = "  ";

}  // namespace

std::string Table::Text() const {
  std::vector<size_t> widths(columns_.size());
  for (const std::vector<std::string>& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  std::string text;
  for (const std::vector<std::string>& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += kGap;
      const std::string padding(widths[i] - DisplayWidth(row[i]), ' ');
      line += columns_[i] == Align::kRight ? padding + row[i] : row[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace auth::authctl
