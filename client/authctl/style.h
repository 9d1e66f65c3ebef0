#pragma once

#include <string>

namespace auth::authctl {

enum class Ink { kPlain, kBold, kDim, kGood, kWarning, kBad };

// Whether a terminal at `fd` wants colours: NO_COLOR (https://no-color.org) is unset or empty, and
// TERM names a terminal that can more than print.
bool WantsColours(int fd);

// Whether `fd` is a terminal where the cursor can be moved.
bool IsScreen(int fd);

// Paints text with ANSI colours, or leaves it as it is.
class Style {
 public:
  explicit Style(bool colours) : colours_(colours) {}
  std::string operator()(Ink ink, const std::string& text) const;

 private:
  const bool colours_;
};

}  // namespace auth::authctl
