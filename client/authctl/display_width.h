#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace auth::authctl {

// How many columns a terminal needs for UTF-8 `text`: one for each code point, none for ANSI
// colours.
size_t DisplayWidth(std::string_view text);

// As much of `text` as fits into `width` columns. Colours that were on are off at its end.
std::string ClippedTo(std::string_view text, size_t width);

// `text` from somebody else as it is safe to show: control characters, which can steer a terminal,
// become '?'.
std::string Printable(std::string_view text);

}  // namespace auth::authctl
