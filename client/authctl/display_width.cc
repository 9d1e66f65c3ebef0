#include "client/authctl/display_width.h"

namespace auth::authctl {
namespace {

constexpr char kEscape = '\x1b';

// The length of the colour sequence at the beginning of `text`, `ESC [ … m`; 0 if there is none.
size_t ColourLength(std::string_view text) {
  if (text.substr(0, 2) != "\x1b[") return 0;
  const size_t end = text.find('m');
  return end == std::string_view::npos ? 0 : end + 1;
}

bool Continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t colour = ColourLength(text.substr(i));
    if (colour == 0 && !Continues(text[i])) ++width;
    i += colour == 0 ? 1 : colour;
  }
  return width;
}

std::string ClippedTo(std::string_view text, size_t width) {
  size_t used = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t colour = ColourLength(text.substr(i));
    if (colour == 0 && !Continues(text[i]) && ++used > width) {
      const std::string clipped(text.substr(0, i));
      return clipped.find(kEscape) == std::string::npos ? clipped : clipped + "\x1b[0m";
    }
    i += colour == 0 ? 1 : colour;
  }
  return std::string(text);
}

std::string Printable(std::string_view text) {
  std::string printable;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool second_set = byte == 0xC2 && i + 1 < text.size() &&
                            static_cast<unsigned char>(text[i + 1]) < 0xA0;  // U+0080 to U+009F
    if (second_set) ++i;
    printable += second_set || byte < 0x20 || byte == 0x7F ? '?' : text[i];
  }
  return printable;
}

}  // namespace auth::authctl
