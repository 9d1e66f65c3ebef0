#include "client/authctl/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "client/authctl/file_descriptor.h"

namespace auth::authctl {
namespace {

// Holds back the signals that would end or stop the process, for a scope: what arrives meanwhile
// takes its effect when the scope ends.
class SignalsHeldBack {
 public:
  SignalsHeldBack() {
    ::sigemptyset(&signals_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) {
      ::sigaddset(&signals_, signal);
    }
    ::sigprocmask(SIG_BLOCK, &signals_, &before_);
  }
  ~SignalsHeldBack() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeldBack(const SignalsHeldBack&) = delete;
  SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;

  const sigset_t* signals() const { return &signals_; }

 private:
  sigset_t signals_;
  sigset_t before_;
};

// Turns the terminal's echo off for a scope.
class EchoOff {
 public:
  explicit EchoOff(int terminal) : terminal_(terminal) {
    ::tcgetattr(terminal_, &before_);
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= static_cast<tcflag_t>(ECHONL);  // the end of the line is shown
    ::tcsetattr(terminal_, TCSAFLUSH, &silent);
  }
  ~EchoOff() { ::tcsetattr(terminal_, TCSAFLUSH, &before_); }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

 private:
  const int terminal_;
  termios before_{};
};

void Write(int fd, const std::string& text) {
  // Nothing can be done about a terminal that takes no text: the read will tell.
  [[maybe_unused]] const ssize_t written = ::write(fd, text.data(), text.size());
}

// A line without its end; FAILED_PRECONDITION at the end of input, an error, or a signal.
absl::StatusOr<std::string> ReadLine(int terminal, int signals) {
  std::string line;
  while (line.empty() || line.back() != '\n') {
    std::array<pollfd, 2> ready = {pollfd{.fd = terminal, .events = POLLIN, .revents = 0},
                                   pollfd{.fd = signals, .events = POLLIN, .revents = 0}};
    if (::poll(ready.data(), ready.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return absl::FailedPreconditionError("the terminal cannot be read");
    }
    if (ready[1].revents != 0) return absl::FailedPreconditionError("interrupted");
    if (ready[0].revents == 0) continue;
    std::array<char, 1024> buffer;
    const ssize_t size = ::read(terminal, buffer.data(), buffer.size());
    if (size <= 0) return absl::FailedPreconditionError("nothing was typed at the terminal");
    line.append(buffer.data(), static_cast<size_t>(size));
  }
  line.pop_back();
  return line;
}

}  // namespace

absl::StatusOr<std::string> AskWithoutEcho(const std::string& prompt) {
  const FileDescriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (terminal.get() < 0) return absl::FailedPreconditionError("there is no terminal to ask at");
  const SignalsHeldBack held_back;
  const FileDescriptor signals(::signalfd(-1, held_back.signals(), SFD_CLOEXEC));
  const EchoOff echo_off(terminal.get());
  Write(terminal.get(), prompt);
  return ReadLine(terminal.get(), signals.get());
}

}  // namespace auth::authctl
