#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/support/orphan_guard.h"
#include "tests/support/temporary_directory.h"

namespace auth::testing {

// The real auth_server as a child process, listening on free loopback ports.
//
// Not thread-safe, but the ports may be read from anywhere after Start. Killed with the object, and
// also if the test crashes.
class AuthServerProcess {
 public:
  // Starts `auth_server` with `flags` after those of the listeners and --port-file, and
  // `environment` (NAME=value) besides the test's own, and waits until it is ready. Fails if it
  // exits instead; the status then carries the end of its log.
  // `program` is another build of it.
  static absl::StatusOr<AuthServerProcess> Start(std::vector<std::string> flags,
                                                 const std::vector<std::string>& environment = {},
                                                 const std::string& program = Program());
  // The same, but waits only until it listens.
  static absl::StatusOr<AuthServerProcess> StartWithoutReadiness(
      std::vector<std::string> flags, const std::vector<std::string>& environment = {},
      const std::string& program = Program());
  // The one that was built with the tests.
  static std::string Program();

  AuthServerProcess(AuthServerProcess&& other) noexcept;
  AuthServerProcess& operator=(AuthServerProcess&&) = delete;
  ~AuthServerProcess();

  std::string grpc_address() const;  // "127.0.0.1:port"
  int http_port() const { return http_port_; }
  int ops_port() const { return ops_port_; }
  pid_t pid() const { return pid_; }

  void Signal(int signal) const;
  // The exit code, 128 + n after signal n; nullopt if it still runs at the deadline.
  std::optional<int> WaitForExit(std::chrono::milliseconds deadline = std::chrono::seconds(30));

  // What it has written to stderr.
  std::string log() const;
  // The body of GET `path` on the ops listener, or empty. `status` gets the HTTP status.
  std::string HttpGet(const std::string& path, int* status = nullptr) const;
  // One sample of /metrics by its full name with labels, e.g. `auth_pool_generation`; -1 if absent.
  double Metric(const std::string& sample) const;

 private:
  AuthServerProcess() = default;
  absl::Status AwaitPorts();
  absl::Status AwaitReady();

  pid_t pid_ = -1;
  int grpc_port_ = 0;
  int http_port_ = 0;
  int ops_port_ = 0;
  std::unique_ptr<TemporaryDirectory> directory_;  // log and port file
  std::unique_ptr<OrphanGuard> guard_;
};

// Runs `auth_server` until it exits by itself; for --help, --print-config and bad configuration.
struct ServerRun {
  int exit_code = -1;
  std::string out;
  std::string err;
};
ServerRun RunAuthServer(const std::vector<std::string>& flags,
                        const std::vector<std::string>& environment = {},
                        std::chrono::milliseconds deadline = std::chrono::seconds(30));

}  // namespace auth::testing
