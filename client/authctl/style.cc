#include "client/authctl/style.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace auth::authctl {
namespace {

std::string_view Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

const char* CodeOf(Ink ink) {
  switch (ink) {
    case Ink::kPlain:
      break;
    case Ink::kBold:
      return "1";
    case Ink::kDim:
      return "2";
    case Ink::kGood:
      return "32";
    case Ink::kWarning:
      return "33";
    case Ink::kBad:
      return "1;31";
  }
  return "";
}

}  // namespace

bool IsScreen(int fd) {
  const std::string_view terminal = Variable("TERM");
  return ::isatty(fd) == 1 && !terminal.empty() && terminal != "dumb";
}

bool WantsColours(int fd) { return IsScreen(fd) && Variable("NO_COLOR").empty(); }

std::string Style::operator()(Ink ink, const std::string& text) const {
  if (!colours_ || ink == Ink::kPlain || text.empty()) return text;
  return absl::StrCat("\x1b[", CodeOf(ink), "m", text, "\x1b[0m");
}

}  // namespace auth::authctl
