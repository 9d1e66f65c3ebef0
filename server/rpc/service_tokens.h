#pragma once

#include <sys/types.h>

#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/mutex.h"

namespace auth::rpc {

// What a caller may be allowed to do; see access_policy.h.
enum class Role {
  kAnyone,  // every caller, known or not
  kAdmin,   // operators
};

// Who a service token belongs to.
struct ServiceCaller {
  std::string name;
  Role role = Role::kAnyone;
};

// The tokens by which services and operators prove who they are, from a file with one a line:
//
//   # name   role   SHA-256 of the token, in hex
//   oncall   admin  9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//
// A token is 256 random bits (`openssl rand -hex 32`), so its plain hash gives nothing away; its
// line is written by `printf %s "$token" | sha256sum`. A changed file is read again within a
// second: a new token needs no restart, and one that is taken out is refused. While a changed file
// is malformed, unreadable or gone, the tokens of before hold, and it is tried again.
//
// Thread-safe. `clock` must outlive it.
class ServiceTokens {
 public:
  // Told of a changed file that was read, or why it cannot be.
  using OnReload = std::function<void(const absl::Status&)>;

  // INVALID_ARGUMENT, naming file and line, if it cannot be read.
  static absl::StatusOr<std::unique_ptr<ServiceTokens>> Load(const std::string& path,
                                                             OnReload on_reload,
                                                             const Clock* clock);

  // nullopt for a token that nobody has.
  std::optional<ServiceCaller> Find(std::string_view token);

 private:
  // By the hash in lower-case hex.
  using Callers = std::map<std::string, ServiceCaller, std::less<>>;
  // What tells one version of a file from another.
  struct Version {
    ino_t inode = 0;
    off_t size = 0;
    timespec modified{};
    bool operator==(const Version& other) const;
  };

  ServiceTokens(std::string path, OnReload on_reload, const Clock* clock);
  static absl::StatusOr<Callers> Read(const std::string& path);
  static Version VersionOf(const std::string& path);
  void ReloadIfChanged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;
  const OnReload on_reload_;
  const Clock* const clock_;
  Mutex mutex_;
  Callers callers_ ABSL_GUARDED_BY(mutex_);
  Version version_ ABSL_GUARDED_BY(mutex_);
  MonotonicTime looked_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth::rpc
