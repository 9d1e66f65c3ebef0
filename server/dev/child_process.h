#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pool/clock.h"

namespace auth::dev {

// A user of the system to run a program as.
struct SystemUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

// A handle on a process that is not affected by the reuse of its number (a pidfd). Destruction lets
// go of the process and does not end it. Not thread-safe.
class ChildProcess {
 public:
  struct Options {
    std::vector<std::string> command;  // command[0] is an absolute path
    std::filesystem::path working_directory;
    std::vector<std::string> environment;  // NAME=value; nothing is inherited
    std::optional<SystemUser> user;        // unset: as ourselves
    int output = -1;                       // a descriptor for its stdout and stderr
  };

  // Starts a program in a session of its own, with the default signal dispositions and without our
  // descriptors. Safe in a process with threads. A failure says which step failed, and why.
  static absl::StatusOr<ChildProcess> Spawn(const Options& options);

  // A handle on a running process; NOT_FOUND if there is none.
  static absl::StatusOr<ChildProcess> Adopt(pid_t pid);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  pid_t pid() const { return pid_; }

  // Waits until the process has ended, for `timeout` at the longest; whether it has.
  bool WaitForExit(Duration timeout);

  // The result of waitpid(2), once WaitForExit said true; nullopt for an adopted process.
  std::optional<int> wait_status() const { return wait_status_; }

  // Sends a signal; without effect if the process has ended.
  void Signal(int signal) const;

 private:
  ChildProcess(pid_t pid, int pidfd) : pid_(pid), pidfd_(pidfd) {}

  pid_t pid_;
  int pidfd_;
  std::optional<int> wait_status_;
};

}  // namespace auth::dev
