#include "server/ops/exit_watchdog.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>

namespace auth::ops {
namespace {

constexpr char kLastWords[] = "auth_server: the stop took too long: exiting with work undone\n";

// Calls only what a signal handler may call.
void Exit(int /*signal*/) {
  // A reader who has stopped reading must not hold us up either.
  pollfd writable = {STDERR_FILENO, POLLOUT, 0};
  if (poll(&writable, 1, 0) == 1) (void)!write(STDERR_FILENO, kLastWords, sizeof kLastWords - 1);
  _exit(1);
}

}  // namespace

void ArmExitWatchdog(Duration limit) {
  struct sigaction action = {};
  action.sa_handler = &Exit;
  sigaction(SIGALRM, &action, nullptr);
  alarm(static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(limit).count()));
}

}  // namespace auth::ops
