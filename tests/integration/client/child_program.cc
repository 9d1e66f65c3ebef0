#include "tests/integration/client/child_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <utility>

#include "tests/support/eventually.h"

extern char** environ;

namespace auth::testing {
namespace {

// CMake takes half a minute of a processor to find gRPC on Debian 13: its pkg-config walks through
// Abseil's many requirements again and again.
constexpr std::chrono::minutes kPatience(3);

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(const std::map<std::string, std::string>& additions) {
  std::vector<std::string> environment;
  for (const auto& [name, value] : additions) environment.push_back(name + "=" + value);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    if (!additions.contains(text.substr(0, text.find('=')))) environment.push_back(text);
  }
  return environment;
}

pid_t Spawn(std::vector<std::string> arguments, const posix_spawn_file_actions_t& actions,
            const std::map<std::string, std::string>& environment) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);  // away from our own terminal
  std::vector<std::string> variables = Environment(environment);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, arguments[0].c_str(), &actions, &attributes,
                                 Pointers(arguments).data(), Pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  return error == 0 ? pid : -1;
}

// Waits for the end of a program, and does `meanwhile` again and again.
int Reap(
    pid_t pid, const std::function<void()>& meanwhile = [] {}) {
  if (pid < 0) return -1;
  int status = 0;
  const auto ended = [&] {
    meanwhile();
    return ::waitpid(pid, &status, WNOHANG) == pid;
  };
  if (!Eventually(ended, kPatience)) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Appends what the terminal shows; false when the program has closed it, or shows nothing in time.
bool ReadTerminal(int terminal, std::string* shown,
                  std::chrono::milliseconds patience = kPatience) {
  pollfd ready = {.fd = terminal, .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, static_cast<int>(patience.count())) <= 0) return false;
  char buffer[1024];
  const ssize_t size = ::read(terminal, buffer, sizeof buffer);
  if (size <= 0) return false;
  shown->append(buffer, static_cast<size_t>(size));
  return true;
}

bool Echoes(int terminal) {
  termios settings{};
  return ::tcgetattr(terminal, &settings) == 0 && (settings.c_lflag & ECHO) != 0;
}

}  // namespace

RunningProgram::RunningProgram(const std::vector<std::string>& arguments,
                               const ChildOptions& options) {
  const std::filesystem::path& folder = directory_.path();
  directory_.Write("in", options.stdin_text);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, (folder / "in").c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, (folder / "out").c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, (folder / "err").c_str(), O_WRONLY | O_CREAT, 0600);
  pid_ = Spawn(arguments, actions, options.environment);
  posix_spawn_file_actions_destroy(&actions);
}

RunningProgram::~RunningProgram() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string RunningProgram::out() const { return ReadFile(directory_.path() / "out"); }

std::string RunningProgram::err() const { return ReadFile(directory_.path() / "err"); }

void RunningProgram::Signal(int signal) const { ::kill(pid_, signal); }

Ended RunningProgram::Wait() {
  Ended ended;
  ended.exit_code = Reap(std::exchange(pid_, -1));
  ended.out = out();
  ended.err = err();
  return ended;
}

Ended RunProgram(const std::vector<std::string>& arguments, const ChildOptions& options) {
  return RunningProgram(arguments, options).Wait();
}

Ended RunOnTerminal(const std::vector<std::string>& arguments, const std::vector<Typed>& user,
                    bool* echo_at_end, const std::map<std::string, std::string>& environment) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ::grantpt(terminal);
  ::unlockpt(terminal);
  const std::string name = ::ptsname(terminal);
  // Kept open, so that the settings outlive the program.
  const int other_end = ::open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);

  // Opened by the leader of a new session, the first terminal becomes its controlling one.
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, name.c_str(), O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&actions, 0, 1);
  posix_spawn_file_actions_adddup2(&actions, 0, 2);
  const pid_t pid = Spawn(arguments, actions, environment);
  posix_spawn_file_actions_destroy(&actions);

  Ended ended;
  size_t seen = 0;
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  for (const Typed& typed : user) {
    size_t at = std::string::npos;
    while ((at = ended.out.find(typed.prompt, seen)) == std::string::npos &&
           std::chrono::steady_clock::now() < give_up && ReadTerminal(terminal, &ended.out)) {
    }
    if (at == std::string::npos) break;
    seen = at + typed.prompt.size();
    [[maybe_unused]] const ssize_t written =
        ::write(terminal, typed.keys.data(), typed.keys.size());
  }
  // Who draws would wait for ever for a terminal that nobody reads.
  ended.exit_code = Reap(pid, [&] {
    while (ReadTerminal(terminal, &ended.out, std::chrono::milliseconds(0))) {
    }
  });
  if (echo_at_end != nullptr) *echo_at_end = Echoes(other_end);
  ::close(other_end);
  while (ReadTerminal(terminal, &ended.out)) {
  }
  ::close(terminal);
  return ended;
}

}  // namespace auth::testing
