#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/dev/child_process.h"

namespace auth::dev {

// What postgres writes about itself into postmaster.pid.
struct PostmasterFile {
  pid_t pid = 0;
  bool ready = false;
};

// The files of an EmbeddedPostgres, below one directory, and what they must survive:
//
//   lock          held while somebody uses the directory
//   password      of the superuser, mode 0600
//   port          on loopback, kept so that addresses stay valid
//   socket        where the unix socket's directory is
//   cluster/      the data directory; initdb works in `cluster.new…/`, so that what it left when
//                 it was cut short is never taken for a cluster
//   postgres.log  what the server says
//
// Holds the lock until destroyed. Not thread-safe.
class ClusterDirectory {
 public:
  // Makes the directory if there is none and locks it. `owner` will own what the server writes;
  // nullopt is ourselves. FAILED_PRECONDITION if another process holds the lock.
  static absl::StatusOr<std::unique_ptr<ClusterDirectory>> Open(
      const std::filesystem::path& path, const std::optional<SystemUser>& owner);
  ~ClusterDirectory();
  ClusterDirectory(const ClusterDirectory&) = delete;
  ClusterDirectory& operator=(const ClusterDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path data() const { return path_ / "cluster"; }
  std::filesystem::path log() const { return path_ / "postgres.log"; }
  std::filesystem::path password_file() const { return path_ / "password"; }

  // The major version that made the cluster; nullopt if there is no cluster yet.
  std::optional<std::string> Version() const;

  // An empty data directory to run initdb on, and a new password. What earlier attempts left is
  // removed; its name is new, since the initdb of one that was killed may still be writing.
  absl::StatusOr<std::filesystem::path> BeginCluster();
  // Makes what initdb wrote the cluster.
  absl::Status CommitCluster(const std::filesystem::path& staging);

  absl::StatusOr<std::string> Password() const;

  // The port used last; nullopt if there is none.
  std::optional<int> Port() const;
  absl::Status SetPort(int port);

  // Writes the server's settings, lines of postgresql.conf. Whether they were others before.
  absl::StatusOr<bool> WriteSettings(const std::string& text);

  // A private directory below /tmp for the unix socket, whose path may have 107 bytes only: the one
  // used last if it is still ours, else a new one.
  absl::StatusOr<std::filesystem::path> SocketDirectory();

  // postmaster.pid; nullopt if there is none, or no complete one.
  std::optional<PostmasterFile> Postmaster() const;
  // The last line of the log, from `offset` on, that tells of a failure; else empty.
  std::string LastFailure(std::uintmax_t offset) const;

 private:
  ClusterDirectory(std::filesystem::path path, std::optional<SystemUser> owner, int lock);

  absl::Status WriteFile(const std::filesystem::path& file, const std::string& text) const;
  absl::Status GiveToOwner(const std::filesystem::path& file) const;

  const std::filesystem::path path_;
  const std::optional<SystemUser> owner_;
  const int lock_;
};

}  // namespace auth::dev
