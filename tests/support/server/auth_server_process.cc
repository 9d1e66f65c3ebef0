#include "tests/support/server/auth_server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/eventually.h"
#include "tests/support/http_client.h"

extern char** environ;

namespace auth::testing {
namespace {

constexpr std::chrono::seconds kStartDeadline(60);  // sanitizer builds on a busy machine

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

// The server must see no AUTH_ variable of the machine, only those of the test.
std::vector<std::string> CleanEnvironment(const std::vector<std::string>& additions) {
  std::vector<std::string> environment = additions;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.starts_with("AUTH_") || text.starts_with("DATABASE_URL=") ||
        text.starts_with("NEON_DB_URL=")) {
      continue;
    }
    environment.emplace_back(text);
  }
  return environment;
}

pid_t Spawn(const std::string& program, const std::vector<std::string>& flags,
            const std::vector<std::string>& environment, const std::filesystem::path& out,
            const std::filesystem::path& err) {
  std::vector<std::string> arguments = {program};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::vector<std::string> variables = CleanEnvironment(environment);
  std::vector<char*> envp;
  envp.reserve(variables.size() + 1);
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : -1;
}

std::optional<int> Reap(pid_t pid, std::chrono::milliseconds deadline) {
  int status = 0;
  const bool ended = Eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }, deadline);
  if (!ended) return std::nullopt;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::string AuthServerProcess::Program() { return AUTH_SERVER_BINARY; }

absl::StatusOr<AuthServerProcess> AuthServerProcess::StartWithoutReadiness(
    std::vector<std::string> flags, const std::vector<std::string>& environment,
    const std::string& program) {
  AuthServerProcess server;
  server.directory_ = std::make_unique<TemporaryDirectory>();
  server.guard_ = std::make_unique<OrphanGuard>(server.directory_->path().string(), SIGKILL);
  std::vector<std::string> all = {
      "--listen=127.0.0.1:0", "--http-listen=127.0.0.1:0", "--ops-listen=127.0.0.1:0",
      absl::StrCat("--port-file=", (server.directory_->path() / "ports").string())};
  all.insert(all.end(), flags.begin(), flags.end());
  server.pid_ = Spawn(program, all, environment, server.directory_->path() / "out",
                      server.directory_->path() / "log");
  if (server.pid_ < 0) return absl::InternalError(absl::StrCat("cannot start ", program));
  server.guard_->Watch(server.pid_);
  if (absl::Status status = server.AwaitPorts(); !status.ok()) return status;
  return server;
}

absl::StatusOr<AuthServerProcess> AuthServerProcess::Start(
    std::vector<std::string> flags, const std::vector<std::string>& environment,
    const std::string& program) {
  absl::StatusOr<AuthServerProcess> server =
      StartWithoutReadiness(std::move(flags), environment, program);
  if (!server.ok()) return server.status();
  if (absl::Status status = server->AwaitReady(); !status.ok()) return status;
  return server;
}

AuthServerProcess::AuthServerProcess(AuthServerProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      grpc_port_(other.grpc_port_),
      http_port_(other.http_port_),
      ops_port_(other.ops_port_),
      directory_(std::move(other.directory_)),
      guard_(std::move(other.guard_)) {}

AuthServerProcess::~AuthServerProcess() {
  if (pid_ > 0) {
    Signal(SIGKILL);
    WaitForExit();
  }
}

absl::Status AuthServerProcess::AwaitPorts() {
  std::optional<int> exit_code;
  const bool listening = Eventually(
      [&] {
        exit_code = WaitForExit(std::chrono::milliseconds(0));
        if (exit_code.has_value()) return true;
        std::map<std::string, std::string> addresses;
        for (const auto line : absl::StrSplit(ReadFile(directory_->path() / "ports"), '\n')) {
          const std::pair<std::string, std::string> entry =
              absl::StrSplit(line, absl::MaxSplits('=', 1));
          addresses.insert(entry);
        }
        const auto port = [&](const std::string& name) {
          int value = 0;
          const std::string& address = addresses[name];
          (void)absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &value);
          return value;
        };
        grpc_port_ = port("grpc");
        http_port_ = port("http");
        ops_port_ = port("ops");
        return grpc_port_ != 0 && ops_port_ != 0;
      },
      kStartDeadline);
  if (listening && !exit_code.has_value()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("auth_server does not listen; its log:\n", log()));
}

absl::Status AuthServerProcess::AwaitReady() {
  bool exited = false;
  const bool ready = Eventually(
      [&] {
        exited = WaitForExit(std::chrono::milliseconds(0)).has_value();
        int status = 0;
        if (!exited) HttpGet("/readyz", &status);
        return exited || status == 200;
      },
      kStartDeadline);
  if (ready && !exited) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("auth_server is not ready; its log:\n", log()));
}

std::string AuthServerProcess::grpc_address() const {
  return absl::StrCat("127.0.0.1:", grpc_port_);
}

void AuthServerProcess::Signal(int signal) const {
  if (pid_ > 0) ::kill(pid_, signal);
}

std::optional<int> AuthServerProcess::WaitForExit(std::chrono::milliseconds deadline) {
  if (pid_ < 0) return std::nullopt;
  const std::optional<int> exit_code = Reap(pid_, deadline);
  if (exit_code.has_value()) {
    pid_ = -1;
    guard_->Watch(0);
  }
  return exit_code;
}

std::string AuthServerProcess::log() const { return ReadFile(directory_->path() / "log"); }

std::string AuthServerProcess::HttpGet(const std::string& path, int* status) const {
  HttpAnswer answer = AskHttp(ops_port_, "GET", path);
  if (status != nullptr) *status = answer.status;
  return std::move(answer.body);
}

double AuthServerProcess::Metric(const std::string& sample) const {
  const std::string prefix = sample + " ";
  std::istringstream lines(HttpGet("/metrics"));
  for (std::string line; std::getline(lines, line);) {
    double value = 0;
    if (line.starts_with(prefix) && absl::SimpleAtod(line.substr(prefix.size()), &value)) {
      return value;
    }
  }
  return -1;
}

ServerRun RunAuthServer(const std::vector<std::string>& flags,
                        const std::vector<std::string>& environment,
                        std::chrono::milliseconds deadline) {
  const TemporaryDirectory directory;
  const std::filesystem::path out = directory.path() / "out";
  const std::filesystem::path err = directory.path() / "err";
  ServerRun run;
  const pid_t pid = Spawn(AuthServerProcess::Program(), flags, environment, out, err);
  if (pid < 0) return run;
  if (const std::optional<int> exit_code = Reap(pid, deadline)) {
    run.exit_code = *exit_code;
  } else {
    ::kill(pid, SIGKILL);
    (void)Reap(pid, deadline);
  }
  run.out = ReadFile(out);
  run.err = ReadFile(err);
  return run;
}

}  // namespace auth::testing
