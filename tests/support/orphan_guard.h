#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>

namespace auth::testing {

// Cleans up when we die before we could do it ourselves: a crash of a test, a timeout of ctest.
// A small process of its own waits for the end of a pipe that only we hold open; then it sends a
// signal to the watched process and removes a directory. Not thread-safe.
class OrphanGuard {
 public:
  // The default is the signal on which PostgreSQL ends at once, with all of its processes.
  explicit OrphanGuard(std::string directory, int signal = SIGQUIT);
  // Ends the guard; it kills and removes nothing.
  ~OrphanGuard();
  OrphanGuard(const OrphanGuard&) = delete;
  OrphanGuard& operator=(const OrphanGuard&) = delete;

  // The process to kill; 0 for none.
  void Watch(pid_t pid);

 private:
  int pipe_ = -1;
  pid_t guard_ = -1;
};

}  // namespace auth::testing
