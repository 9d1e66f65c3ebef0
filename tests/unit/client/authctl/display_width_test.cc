#include "client/authctl/display_width.h"

#include <gtest/gtest.h>

#include "client/authctl/style.h"
#include "client/authctl/table.h"

namespace auth::authctl {
namespace {

TEST(DisplayWidthTest, ColoursHaveNoWidthAndCodePointsHaveOne) {
  EXPECT_EQ(DisplayWidth(""), 0u);
  EXPECT_EQ(DisplayWidth("µs…"), 3u);
  EXPECT_EQ(DisplayWidth(Style(true)(Ink::kBad, "down")), 4u);
}

TEST(DisplayWidthTest, AClippedTextFitsAndEndsItsColour) {
  EXPECT_EQ(ClippedTo("abc", 3), "abc");
  EXPECT_EQ(ClippedTo("abcd", 3), "abc");
  EXPECT_EQ(ClippedTo("µµµµ", 2), "µµ");
  EXPECT_EQ(ClippedTo("\x1b[32mgreen\x1b[0m", 2), "\x1b[32mgr\x1b[0m");
  EXPECT_EQ(ClippedTo("\x1b[32mgreen\x1b[0m", 5), "\x1b[32mgreen\x1b[0m");
}

TEST(DisplayWidthTest, NothingThatSteersATerminalIsPrintable) {
  EXPECT_EQ(Printable("a\x1b]0;title\x07 b\n\x7f"), "a?]0;title? b??");
  EXPECT_EQ(Printable("\xC2\x9B"
                      "31m é"),
            "?31m é");
}

TEST(TableTest, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({Align::kLeft, Align::kRight, Align::kLeft});
  table.Add({"a", "1000", ""});
  table.Add({Style(true)(Ink::kBold, "long"), "1", "end"});
  EXPECT_EQ(table.Text(), "a     1000\n\x1b[1mlong\x1b[0m     1  end\n");
  EXPECT_EQ(Table({Align::kLeft}).Text(), "");
}

}  // namespace
}  // namespace auth::authctl
