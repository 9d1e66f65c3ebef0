#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/clock.h"

namespace auth::dev {

// A private PostgreSQL for first runs and tests: a cluster below one directory, superuser
// `postgres`, reached by a unix socket and on loopback with a random password.
//
// Runs in a session of its own, so that Ctrl-C in a terminal reaches our server first. As root it
// drops to the `postgres` user of the system, because PostgreSQL refuses to run as root. Survives a
// crash of the owner: the next Start in the same directory recovers the cluster, or takes over the
// server that is still running.
//
// Not thread-safe. Failures are one sentence each that says what to do, with code
// FAILED_PRECONDITION where somebody must change something.
//
//   auto postgres = EmbeddedPostgres::Start({.directory = "data", .settings = {}});
//   if (!postgres.ok()) return postgres.status();
//   Connect((*postgres)->url());
class EmbeddedPostgres {
 public:
  struct Options {
    // Made if it does not exist. As root it must be reachable by the `postgres` user.
    std::filesystem::path directory;
    // Lines of postgresql.conf, e.g. {"idle_session_timeout", "1s"}; written at every start.
    std::vector<std::pair<std::string, std::string>> settings;
  };

  // Makes the cluster if there is none, starts it and waits until it accepts connections. The port
  // is the one of the last time unless somebody else listens there now. A second Start in the same
  // directory, from any process, is refused while the first object lives.
  static absl::StatusOr<std::unique_ptr<EmbeddedPostgres>> Start(Options options);

  // Stops the server in `fast` mode.
  ~EmbeddedPostgres();
  EmbeddedPostgres(const EmbeddedPostgres&) = delete;
  EmbeddedPostgres& operator=(const EmbeddedPostgres&) = delete;

  // pg_ctl's modes: fast ends sessions, immediate crashes the server as a power cut would.
  enum class StopMode { kFast, kImmediate };
  // What Stop may take, and the destructor.
  static constexpr Duration kLongestStop = std::chrono::seconds(30);
  // OK once the server is gone. One that does not end (a stopped backend) is stopped harder after a
  // third of kLongestStop: by `immediate`, then by SIGKILL; the next start recovers.
  absl::Status Stop(StopMode mode);
  // Starts again after Stop or a crash, on the same port. Stops a running server first.
  absl::Status Restart();

  // A libpq URI over loopback TCP with the superuser's password. Secret.
  std::string url() const;
  // The same over the unix socket.
  std::string socket_url() const;
  int port() const;
  // 0 while stopped.
  pid_t postmaster_pid() const;

 private:
  struct State;
  explicit EmbeddedPostgres(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace auth::dev
