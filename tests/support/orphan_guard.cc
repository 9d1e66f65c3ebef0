#include "tests/support/orphan_guard.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <limits>
#include <stdexcept>

namespace auth::testing {
namespace {

constexpr pid_t kNothingToDo = -1;
constexpr int kExitTimeoutMs = 20'000;

// Only system calls: other threads may have held locks at the fork.
[[noreturn]] void Guard(int pipe, const char* directory, int signal) {
  setsid();
  dup2(pipe, STDIN_FILENO);
  close_range(STDIN_FILENO + 1, std::numeric_limits<unsigned>::max(), 0);
  pid_t watched = 0;
  pid_t next = 0;
  while (read(STDIN_FILENO, &next, sizeof next) == static_cast<ssize_t>(sizeof next)) {
    watched = next;
  }
  if (watched == kNothingToDo) _exit(0);
  if (watched > 0) {
    pollfd exited{static_cast<int>(syscall(SYS_pidfd_open, watched, 0)), POLLIN, 0};
    kill(watched, signal);
    poll(&exited, 1, kExitTimeoutMs);
  }
  execl("/bin/rm", "rm", "-rf", "--", directory, nullptr);
  _exit(1);
}

}  // namespace

OrphanGuard::OrphanGuard(std::string directory, int signal) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  guard_ = fork();
  if (guard_ < 0) throw std::runtime_error("fork");
  if (guard_ == 0) {
    close(ends[1]);
    Guard(ends[0], directory.c_str(), signal);
  }
  close(ends[0]);
  pipe_ = ends[1];
}

OrphanGuard::~OrphanGuard() {
  Watch(kNothingToDo);
  close(pipe_);
  waitpid(guard_, nullptr, 0);
}

void OrphanGuard::Watch(pid_t pid) {
  if (write(pipe_, &pid, sizeof pid) != static_cast<ssize_t>(sizeof pid)) {
    throw std::runtime_error("the guard is gone");
  }
}

}  // namespace auth::testing
