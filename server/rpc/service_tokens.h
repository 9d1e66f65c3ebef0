#pragma once

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
#include "server/work/periodic_task.h"

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
// line is written by `printf %s "$token" | sha256sum`. The file is read once a second,
// and what it holds is in force when it was the same twice, so that half of it never is: a new
// token needs no restart, and one that is taken out is refused. While the file is malformed,
// unreadable or gone, the tokens of before hold.
//
// Thread-safe. Reads on a thread of its own, which the destructor joins. `clock` must outlive it.
class ServiceTokens {
 public:
  // Told once of each change, on that thread: OK, or why the file cannot be used.
  using OnReload = std::function<void(const absl::Status&)>;

  // INVALID_ARGUMENT, naming file and line, if it cannot be read.
  static absl::StatusOr<std::unique_ptr<ServiceTokens>> Load(const std::string& path,
                                                             OnReload on_reload,
                                                             const Clock* clock);

  // nullopt for a token that nobody has. Does not block.
  std::optional<ServiceCaller> Find(std::string_view token) const;

 private:
  // By the hash in lower-case hex.
  using Callers = std::map<std::string, ServiceCaller, std::less<>>;

  ServiceTokens(std::string path, std::string text, Callers callers, OnReload on_reload,
                const Clock* clock);
  static absl::StatusOr<Callers> Parse(const std::string& path, const std::string& text);
  void Look();

  const std::string path_;
  const OnReload on_reload_;
  mutable Mutex mutex_;
  Callers callers_ ABSL_GUARDED_BY(mutex_);
  // Of the thread.
  absl::StatusOr<std::string> seen_;  // the file's text at the last look
  absl::StatusOr<std::string> told_;  // and at the last change
  const work::PeriodicTask looking_;  // last: it uses the rest
};

}  // namespace auth::rpc
