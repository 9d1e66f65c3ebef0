#include "server/dev/child_process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace auth::dev {
namespace {

enum class Step { kNone, kSession, kUser, kDirectory, kOutput, kExecute };

// What a child that could not become the program writes into the pipe.
struct Failure {
  Step step = Step::kNone;
  int error = 0;
};

// All that the child needs, made before the fork: afterwards it must not allocate.
struct Plan {
  std::vector<char*> arguments;
  std::vector<char*> environment;
  const char* directory = nullptr;
  const SystemUser* user = nullptr;
  int input = -1;
  int output = -1;
  int failure_pipe = -1;
};

std::vector<char*> CStrings(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& s : strings) result.push_back(const_cast<char*>(s.c_str()));
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void Fail(const Plan& plan, Step step) {
  const Failure failure{step, errno};
  // If even this cannot be written, the parent sees an early exit.
  [[maybe_unused]] const ssize_t written = write(plan.failure_pipe, &failure, sizeof failure);
  _exit(127);
}

// Runs in the child. Other threads of the parent may have held locks at the fork, so only system
// calls are made until execve.
[[noreturn]] void RunChild(const Plan& plan) {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (setsid() < 0) Fail(plan, Step::kSession);
  if (plan.user != nullptr) {
    const gid_t group = plan.user->gid;
    if (setgroups(1, &group) != 0 || setgid(group) != 0 || setuid(plan.user->uid) != 0) {
      Fail(plan, Step::kUser);
    }
  }
  if (chdir(plan.directory) != 0) Fail(plan, Step::kDirectory);
  if (dup2(plan.output, STDOUT_FILENO) < 0 || dup2(plan.output, STDERR_FILENO) < 0 ||
      dup2(plan.input, STDIN_FILENO) < 0) {
    Fail(plan, Step::kOutput);
  }
  close_range(STDERR_FILENO + 1, std::numeric_limits<unsigned>::max(), CLOSE_RANGE_CLOEXEC);
  execve(plan.arguments[0], plan.arguments.data(), plan.environment.data());
  Fail(plan, Step::kExecute);
}

absl::Status Describe(const Failure& failure, const ChildProcess::Options& options) {
  const std::string who = options.user ? options.user->name : "this user";
  std::string what;
  switch (failure.step) {
    case Step::kDirectory:
      what = absl::StrCat("the user ", who, " cannot enter ", options.working_directory.string(),
                          "; choose a directory that he can reach");
      break;
    case Step::kUser:
      what = absl::StrCat("cannot become the user ", who);
      break;
    case Step::kExecute:
      what = absl::StrCat("cannot execute ", options.command[0]);
      break;
    default:
      what = absl::StrCat("cannot start ", options.command[0]);
  }
  return absl::FailedPreconditionError(absl::StrCat(what, " (", std::strerror(failure.error), ")"));
}

// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { Close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

absl::Status SystemError(const char* call) {
  return absl::InternalError(absl::StrCat(call, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<ChildProcess> ChildProcess::Spawn(const Options& options) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SystemError("pipe2");
  Descriptor reader(ends[0]);
  Descriptor writer(ends[1]);
  Descriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (null.get() < 0) return SystemError("open /dev/null");

  Plan plan;
  plan.arguments = CStrings(options.command);
  plan.environment = CStrings(options.environment);
  plan.directory = options.working_directory.c_str();
  plan.user = options.user ? &*options.user : nullptr;
  plan.input = null.get();
  plan.output = options.output;
  plan.failure_pipe = writer.get();

  // No handler of ours may run in the child before it has reset them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) RunChild(plan);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return SystemError("fork");
  writer.Close();

  Failure failure;
  ssize_t got;
  do {
    got = read(reader.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof failure)) {
    waitpid(pid, nullptr, 0);
    return Describe(failure, options);
  }
  absl::StatusOr<ChildProcess> child = Adopt(pid);
  if (!child.ok()) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  return child;
}

absl::StatusOr<ChildProcess> ChildProcess::Adopt(pid_t pid) {
  // The declarations of glibc 2.36 cannot be linked from C++.
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0 && errno == ESRCH) return absl::NotFoundError(absl::StrCat("no process ", pid));
  if (pidfd < 0) return SystemError("pidfd_open");
  return ChildProcess(pid, pidfd);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(other.pid_), pidfd_(std::exchange(other.pidfd_, -1)), wait_status_(other.wait_status_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(wait_status_, other.wait_status_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (pidfd_ >= 0) close(pidfd_);
}

bool ChildProcess::WaitForExit(Duration timeout) {
  const RealClock clock;
  const MonotonicTime deadline = clock.Monotonic() + timeout;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.Monotonic());
    pollfd exited{pidfd_, POLLIN, 0};
    const int ready = poll(&exited, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready == 0) return false;
    if (ready > 0) break;
    if (errno != EINTR) return false;
  }
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == pid_) wait_status_ = status;
  return true;
}

void ChildProcess::Signal(int signal) const {
  syscall(SYS_pidfd_send_signal, pidfd_, signal, nullptr, 0);
}

}  // namespace auth::dev
