#pragma once

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "server/dev/child_process.h"
#include "tests/support/orphan_guard.h"
#include "tests/support/temporary_directory.h"

namespace auth::testing {

// A server program that is not ours, as a child process of a test: one process, a free port on
// loopback, and a directory of its own that is gone with the object. As root it runs as the user
// `postgres`, since some of these programs refuse to run as root. Does not survive a crash of the
// test.
//
// Not thread-safe. Failures throw std::runtime_error, which fails the test.
//
//   ThirdPartyServer server("/usr/sbin/pgbouncer");
//   server.Start({server.Write("pgbouncer.ini", Settings(server.port())).string()});
class ThirdPartyServer {
 public:
  // Only chooses the port. The program stays in the foreground and says what it has to say on
  // stdout and stderr. `orphan_signal` ends it if the test crashes.
  explicit ThirdPartyServer(std::filesystem::path program, int orphan_signal = SIGKILL);
  // Kills it.
  ~ThirdPartyServer();
  ThirdPartyServer(const ThirdPartyServer&) = delete;
  ThirdPartyServer& operator=(const ThirdPartyServer&) = delete;

  int port() const { return port_; }
  const std::filesystem::path& directory() const { return directory_.path(); }
  // Makes the file `name` in the directory; only the server's user and root can read it.
  std::filesystem::path Write(const std::string& name, const std::string& content) const;

  // Starts the program and waits until it listens on the port.
  void Start(const std::vector<std::string>& arguments);
  void Signal(int signal) const { process_->Signal(signal); }
  // SIGKILL, and waits for its end: its sockets close at once, and nobody is told anything.
  void Kill();
  // Asks it by `signal` to end, and waits for its end.
  void End(int signal);

  // What all processes started so far have written.
  std::string log() const;

 private:
  const std::filesystem::path program_;
  const std::optional<dev::SystemUser> user_;
  const int port_;
  const TemporaryDirectory directory_;
  OrphanGuard guard_;
  std::optional<dev::ChildProcess> process_;
};

}  // namespace auth::testing
