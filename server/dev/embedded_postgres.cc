#include "server/dev/embedded_postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "pool/clock.h"
#include "pool/mutex.h"
#include "server/dev/child_process.h"
#include "server/dev/cluster_directory.h"
#include "server/dev/loopback_port.h"
#include "server/dev/postgres_install.h"

namespace auth::dev {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kInitTimeout = seconds(120);
// Includes crash recovery, which replays up to max_wal_size.
constexpr Duration kStartTimeout = seconds(120);
constexpr Duration kLookInterval = milliseconds(10);
constexpr Duration kOrphanInterval = milliseconds(100);
// How long each way of stopping may take before the next harder one.
constexpr Duration kStopTimeout = EmbeddedPostgres::kLongestStop / 3;

void Pause(Duration duration) {
  const RealClock clock;
  const MonotonicTime end = clock.Monotonic() + duration;
  Mutex mutex;
  CondVar never;
  MutexLock lock(&mutex);
  while (clock.Monotonic() < end) clock.WaitUntil(end, &never, &mutex);
}

// The language and time zone of the cluster and its messages do not depend on who starts it.
std::vector<std::string> Environment() { return {"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}; }

std::string SearchPath() {
  const char* path = std::getenv("PATH");
  return path == nullptr ? "" : path;
}

}  // namespace

struct EmbeddedPostgres::State {
  std::vector<std::pair<std::string, std::string>> settings;
  std::optional<SystemUser> user;
  std::unique_ptr<ClusterDirectory> directory;
  fs::path binaries;
  std::string password;
  fs::path socket_directory;
  int port = 0;
  std::optional<ChildProcess> postmaster;

  absl::Status Prepare(const Options& options);
  absl::Status InitializeCluster();
  absl::Status StartOrTakeOver();
  std::optional<ChildProcess> FindRunning() const;
  void RemoveStaleFiles() const;
  std::string Settings() const;

  // Starts the server; with `any_port`, on another port if somebody takes ours.
  absl::Status Launch(bool any_port);
  absl::Status WaitUntilReady(MonotonicTime deadline);
  absl::Status Stop(StopMode mode);
  absl::StatusOr<ChildProcess> Spawn(std::vector<std::string> command,
                                     const fs::path& working_directory);
  absl::Status StartFailure(const char* program, std::uintmax_t log_offset) const;
  std::uintmax_t LogSize() const;
};

absl::Status EmbeddedPostgres::State::Prepare(const Options& options) {
  settings = options.settings;
  absl::StatusOr<std::optional<SystemUser>> found_user = PostgresUser();
  if (!found_user.ok()) return found_user.status();
  user = *found_user;
  absl::StatusOr<std::unique_ptr<ClusterDirectory>> opened =
      ClusterDirectory::Open(options.directory, user);
  if (!opened.ok()) return opened.status();
  directory = *std::move(opened);

  const std::optional<std::string> version = directory->Version();
  absl::StatusOr<fs::path> found = FindPostgres(version, SearchPath());
  if (!found.ok()) return found.status();
  binaries = *found;
  if (!version) {
    if (absl::Status status = InitializeCluster(); !status.ok()) return status;
  }
  absl::StatusOr<std::string> secret = directory->Password();
  if (!secret.ok()) return secret.status();
  password = *secret;
  absl::StatusOr<fs::path> sockets = directory->SocketDirectory();
  if (!sockets.ok()) return sockets.status();
  socket_directory = *sockets;
  return absl::OkStatus();
}

absl::Status EmbeddedPostgres::State::InitializeCluster() {
  absl::StatusOr<fs::path> staging = directory->BeginCluster();
  if (!staging.ok()) return staging.status();
  std::vector<std::string> command = {(binaries / "initdb").string(),
                                      "--pgdata=" + staging->string(),
                                      "--username=postgres",
                                      "--pwfile=" + directory->password_file().string(),
                                      "--encoding=UTF8",
                                      "--locale=C",
                                      "--auth-local=scram-sha-256",
                                      "--auth-host=scram-sha-256",
                                      "--no-instructions"};
  // Who can do without fsync later needs none now; on a busy disk it takes most of the time.
  const std::pair<std::string, std::string> no_fsync = {"fsync", "off"};
  if (std::find(settings.begin(), settings.end(), no_fsync) != settings.end()) {
    command.push_back("--no-sync");
  }
  const std::uintmax_t log_offset = LogSize();
  absl::StatusOr<ChildProcess> initdb = Spawn(std::move(command), *staging);
  if (!initdb.ok()) return initdb.status();
  if (!initdb->WaitForExit(kInitTimeout)) {
    initdb->Signal(SIGKILL);
    initdb->WaitForExit(kStopTimeout);
    return absl::DeadlineExceededError("initdb did not end");
  }
  if (initdb->wait_status() != 0) return StartFailure("initdb", log_offset);
  return directory->CommitCluster(*staging);
}

absl::Status EmbeddedPostgres::State::StartOrTakeOver() {
  postmaster = FindRunning();
  const std::optional<int> last_port = directory->Port();
  if (last_port && (postmaster || LoopbackPortIsFree(*last_port))) {
    port = *last_port;
  } else {
    absl::StatusOr<int> chosen = ChooseLoopbackPort();
    if (!chosen.ok()) return chosen.status();
    port = *chosen;
  }
  if (!postmaster) return Launch(/*any_port=*/true);

  absl::StatusOr<bool> changed = directory->WriteSettings(Settings());
  if (!changed.ok()) return changed.status();
  if (!*changed && WaitUntilReady(RealClock().Monotonic() + kStartTimeout).ok()) {
    return absl::OkStatus();
  }
  // It runs with other settings than were asked for.
  if (absl::Status status = Stop(StopMode::kFast); !status.ok()) return status;
  return Launch(/*any_port=*/true);
}

std::optional<ChildProcess> EmbeddedPostgres::State::FindRunning() const {
  const std::optional<PostmasterFile> file = directory->Postmaster();
  if (!file) return std::nullopt;
  absl::StatusOr<ChildProcess> process = ChildProcess::Adopt(file->pid);
  if (!process.ok()) return std::nullopt;
  // A postmaster works in its data directory; any other process with this number is a stranger.
  const fs::path proc = fs::path("/proc") / std::to_string(file->pid);
  std::error_code ignored;
  if (!fs::equivalent(proc / "cwd", directory->data(), ignored)) return std::nullopt;
  if (fs::read_symlink(proc / "exe", ignored).filename().string().rfind("postgres", 0) != 0) {
    return std::nullopt;
  }
  return *std::move(process);
}

// The lock files of a postmaster that was killed name its process, and postgres refuses to start
// while there is any process with that number: a stranger, or the dead one itself if nobody reaps
// it. We know better, for we hold the lock of the directory.
void EmbeddedPostgres::State::RemoveStaleFiles() const {
  std::error_code ignored;
  if (!FindRunning()) fs::remove(directory->data() / "postmaster.pid", ignored);
  for (const fs::directory_entry& entry : fs::directory_iterator(socket_directory, ignored)) {
    fs::remove(entry.path(), ignored);
  }
}

std::string EmbeddedPostgres::State::Settings() const {
  std::string text = "# Written at every start.\n";
  const auto add = [&text](const std::string& name, const std::string& value) {
    absl::StrAppend(&text, name, " = '", absl::StrReplaceAll(value, {{"'", "''"}}), "'\n");
  };
  add("listen_addresses", "127.0.0.1");
  add("port", std::to_string(port));
  add("unix_socket_directories", socket_directory.string());
  add("unix_socket_permissions", "0700");
  for (const auto& [name, value] : settings) add(name, value);
  return text;
}

absl::Status EmbeddedPostgres::State::Launch(bool any_port) {
  const MonotonicTime deadline = RealClock().Monotonic() + kStartTimeout;
  for (;;) {
    if (absl::Status status = directory->SetPort(port); !status.ok()) return status;
    if (auto written = directory->WriteSettings(Settings()); !written.ok()) return written.status();
    RemoveStaleFiles();
    const std::uintmax_t log_offset = LogSize();
    absl::StatusOr<ChildProcess> started = Spawn(
        {(binaries / "postgres").string(), "-D", directory->data().string()}, directory->data());
    if (!started.ok()) return started.status();
    postmaster = *std::move(started);
    const absl::Status ready = WaitUntilReady(deadline);
    if (ready.ok() || !absl::IsAborted(ready)) return ready;

    postmaster.reset();
    const absl::Status failure = StartFailure("PostgreSQL", log_offset);
    if (RealClock().Monotonic() >= deadline) return failure;
    // Backends of a postmaster that was killed notice it within moments; until then they hold on to
    // its shared memory.
    if (absl::StrContains(failure.message(), "shared memory block")) {
      Pause(kOrphanInterval);
      continue;
    }
    if (!any_port || LoopbackPortIsFree(port)) return failure;
    absl::StatusOr<int> chosen = ChooseLoopbackPort();
    if (!chosen.ok()) return chosen.status();
    port = *chosen;
  }
}

// ABORTED if the server ended.
absl::Status EmbeddedPostgres::State::WaitUntilReady(MonotonicTime deadline) {
  while (!postmaster->WaitForExit(kLookInterval)) {
    const std::optional<PostmasterFile> file = directory->Postmaster();
    if (file && file->pid == postmaster->pid() && file->ready) return absl::OkStatus();
    if (RealClock().Monotonic() >= deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("PostgreSQL does not get ready; see ", directory->log().string()));
    }
  }
  return absl::AbortedError("PostgreSQL ended while starting");
}

absl::Status EmbeddedPostgres::State::Stop(StopMode mode) {
  if (!postmaster) return absl::OkStatus();
  const std::vector<int> signals = mode == StopMode::kFast
                                       ? std::vector<int>{SIGINT, SIGQUIT, SIGKILL}
                                       : std::vector<int>{SIGQUIT, SIGKILL};
  for (const int signal : signals) {
    postmaster->Signal(signal);
    if (postmaster->WaitForExit(kStopTimeout)) {
      postmaster.reset();
      return absl::OkStatus();
    }
  }
  return absl::InternalError(
      absl::StrCat("process ", postmaster->pid(), " (postgres) cannot be stopped"));
}

absl::StatusOr<ChildProcess> EmbeddedPostgres::State::Spawn(std::vector<std::string> command,
                                                            const fs::path& working_directory) {
  const int log =
      open(directory->log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (log < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot write ", directory->log().string(), ": ", std::strerror(errno)));
  }
  absl::StatusOr<ChildProcess> child = ChildProcess::Spawn({.command = std::move(command),
                                                            .working_directory = working_directory,
                                                            .environment = Environment(),
                                                            .user = user,
                                                            .output = log});
  close(log);
  return child;
}

absl::Status EmbeddedPostgres::State::StartFailure(const char* program,
                                                   std::uintmax_t log_offset) const {
  const std::string why = directory->LastFailure(log_offset);
  return absl::FailedPreconditionError(absl::StrCat(program, " did not start",
                                                    why.empty() ? "" : " (" + why + ")", "; see ",
                                                    directory->log().string()));
}

std::uintmax_t EmbeddedPostgres::State::LogSize() const {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(directory->log(), error);
  return error ? 0 : size;
}

absl::StatusOr<std::unique_ptr<EmbeddedPostgres>> EmbeddedPostgres::Start(Options options) {
  auto state = std::make_unique<State>();
  if (absl::Status status = state->Prepare(options); !status.ok()) return status;
  // From here on the destructor stops what was started.
  std::unique_ptr<EmbeddedPostgres> postgres(new EmbeddedPostgres(std::move(state)));
  if (absl::Status status = postgres->state_->StartOrTakeOver(); !status.ok()) return status;
  return postgres;
}

EmbeddedPostgres::EmbeddedPostgres(std::unique_ptr<State> state) : state_(std::move(state)) {}

EmbeddedPostgres::~EmbeddedPostgres() {
  if (!state_->Stop(StopMode::kFast).ok()) return;
  std::error_code ignored;
  fs::remove_all(state_->socket_directory, ignored);
}

absl::Status EmbeddedPostgres::Stop(StopMode mode) { return state_->Stop(mode); }

absl::Status EmbeddedPostgres::Restart() {
  if (absl::Status status = state_->Stop(StopMode::kFast); !status.ok()) return status;
  return state_->Launch(/*any_port=*/false);
}

std::string EmbeddedPostgres::url() const {
  return absl::StrCat("postgresql://postgres:", state_->password, "@127.0.0.1:", state_->port,
                      "/postgres");
}

std::string EmbeddedPostgres::socket_url() const {
  return absl::StrCat("postgresql://postgres:", state_->password,
                      "@/postgres?host=", state_->socket_directory.string(),
                      "&port=", state_->port);
}

int EmbeddedPostgres::port() const { return state_->port; }

pid_t EmbeddedPostgres::postmaster_pid() const {
  return state_->postmaster ? state_->postmaster->pid() : 0;
}

}  // namespace auth::dev
