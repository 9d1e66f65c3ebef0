#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/authctl/display_width.h"
#include "client/authctl/pool_text.h"
#include "client/authctl/pool_view.h"

namespace auth::authctl {
namespace {

// What every terminal since the VT100 understands, and the alternate screen of xterm.
constexpr char kEnter[] = "\x1b[?1049h\x1b[?25l";
constexpr char kLeave[] = "\x1b[?25h\x1b[?1049l";
constexpr char kHome[] = "\x1b[H";
constexpr char kClearLine[] = "\x1b[K";
constexpr char kClearBelow[] = "\x1b[J";

class ScreenView final : public PoolView {
 public:
  ScreenView(const CommandLine& line, int fd, bool colours)
      : line_(line), fd_(fd), style_(colours) {
    Write(kEnter);
  }

  ~ScreenView() override {
    Write(kLeave);
    if (status_.has_value()) Write(PoolText(*status_, nullptr, style_));
  }

  bool Show(const v1::PoolStatus& status) override {
    before_ = std::exchange(status_, status);
    return Draw();
  }

  void Lost(const std::string& why) override {
    lost_ = why;
    Draw();
  }

  void Back() override { lost_.clear(); }
  void Resize() override { Draw(); }
  void Suspend() override { Write(kLeave); }

  void Resume() override {
    Write(kEnter);
    Draw();
  }

 private:
  std::string Title() const {
    const std::string title =
        absl::StrCat("authctl pool watch  ", line_.channel.target, "  every ",
                     ShortDuration(absl::FromChrono(line_.interval)), "  (Ctrl-C ends it)\n");
    if (lost_.empty()) return style_(Ink::kDim, title);
    return style_(Ink::kBad, absl::StrCat(Printable(lost_), "; trying again until it is back\n"));
  }

  // One write for each picture, so that none is seen half drawn.
  bool Draw() {
    winsize size{};
    const bool known = ::ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;
    const size_t rows = known ? size.ws_row : 24;
    const size_t columns = known ? size.ws_col : 80;
    const std::string text = absl::StrCat(
        Title(), "\n",
        status_.has_value() ? PoolText(*status_, before_.has_value() ? &*before_ : nullptr, style_)
                            : "");
    const std::vector<std::string> lines = absl::StrSplit(text, '\n');
    std::string picture = kHome;
    for (size_t row = 0; row < lines.size() && row < rows; ++row) {
      absl::StrAppend(&picture, row == 0 ? "" : "\r\n", ClippedTo(lines[row], columns), kClearLine);
    }
    return Write(picture + kClearBelow);
  }

  bool Write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      text.remove_prefix(static_cast<size_t>(written));
    }
    return true;
  }

  const CommandLine& line_;
  const int fd_;
  const Style style_;
  std::optional<v1::PoolStatus> before_;
  std::optional<v1::PoolStatus> status_;
  std::string lost_;
};

}  // namespace

std::unique_ptr<PoolView> MakeScreenView(const CommandLine& line, int fd, bool colours) {
  return std::make_unique<ScreenView>(line, fd, colours);
}

}  // namespace auth::authctl
