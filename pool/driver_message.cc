#include "pool/driver_message.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace auth::pool {
namespace {

constexpr size_t kSqlStateLength = 5;
// Enough for any message of PostgreSQL's own, and a bound for those that quote a statement.
constexpr size_t kMaxSummary = 300;

bool IsSqlState(std::string_view text) {
  return text.size() == kSqlStateLength && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

// Where an SQLSTATE begins in `text`: after "SEVERITY:  " and before ": " or the line's end.
size_t FindSqlState(std::string_view text) {
  constexpr std::string_view kAfterSeverity = ":  ";
  for (size_t at = text.find(kAfterSeverity); at != std::string_view::npos;
       at = text.find(kAfterSeverity, at + 1)) {
    const size_t begin = at + kAfterSeverity.size();
    const size_t end = begin + kSqlStateLength;
    if (end > text.size() || !IsSqlState(text.substr(begin, kSqlStateLength))) continue;
    if (end == text.size() || text[end] == ':' || text[end] == '\n') return begin;
  }
  return std::string_view::npos;
}

}  // namespace

std::string SqlStateIn(std::string_view text) {
  const size_t at = FindSqlState(text);
  return at == std::string_view::npos ? "" : std::string(text.substr(at, kSqlStateLength));
}

std::string ConstraintIn(std::string_view text, std::string_view sqlstate) {
  constexpr std::array<std::string_view, 4> kNameTheirConstraint = {"23503", "23505", "23514",
                                                                    "23P01"};
  if (std::find(kNameTheirConstraint.begin(), kNameTheirConstraint.end(), sqlstate) ==
      kNameTheirConstraint.end()) {
    return "";
  }
  // The last one: the detail stands before it and quotes values, which may contain anything.
  constexpr std::string_view kLabel = "\nCONSTRAINT NAME:  ";
  const size_t label = text.rfind(kLabel);
  if (label == std::string_view::npos) return "";
  const std::string_view rest = text.substr(label + kLabel.size());
  return std::string(rest.substr(0, rest.find('\n')));
}

std::string Summary(std::string_view text) {
  const size_t sqlstate = FindSqlState(text);
  if (sqlstate != std::string_view::npos) {
    const size_t before = text.rfind('\n', sqlstate);
    const size_t begin = before == std::string_view::npos ? 0 : before + 1;
    text = text.substr(begin, text.find('\n', sqlstate) - begin);
  }
  std::string summary;
  for (const char c : text.substr(0, kMaxSummary)) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      summary += c;
    } else if (!summary.empty() && summary.back() != ' ') {
      summary += ' ';
    }
  }
  while (!summary.empty() && summary.back() == ' ') summary.pop_back();
  return summary;
}

}  // namespace auth::pool
