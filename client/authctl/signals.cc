#include "client/authctl/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

namespace auth::authctl {

sigset_t Signals::Set() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}) {
    ::sigaddset(&set, signal);
  }
  return set;
}

Signals::Signals()
    : fd_([] {
        const sigset_t set = Set();
        return ::signalfd(-1, &set, SFD_CLOEXEC);
      }()) {
  const sigset_t set = Set();
  ::sigprocmask(SIG_BLOCK, &set, &before_);
}

Signals::~Signals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

int Signals::Take() {
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) < 0 && errno == EINTR) {
  }
  return static_cast<int>(info.ssi_signo);
}

}  // namespace auth::authctl
