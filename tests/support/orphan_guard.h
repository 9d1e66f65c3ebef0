#pragma once

#include <sys/types.h>

#include <string>

namespace auth::testing {

// Cleans up when we die before we could do it ourselves: a crash of a test, a timeout of ctest.
// A small process of its own waits for the end of a pipe that only we hold open; then it sends
// SIGQUIT to the watched process and removes a directory. Not thread-safe.
class OrphanGuard {
 public:
  explicit OrphanGuard(std::string directory);
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
