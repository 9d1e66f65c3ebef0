#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "pool/clock.h"
#include "pool/mutex.h"

namespace auth::account {

// Slows down who guesses passwords: of each account a burst of attempts is let through, then one in
// each interval (the generic cell rate algorithm). There is no lock that outlasts the attack; but
// while somebody goes on guessing, he takes most of the attempts that the account's owner has, too.
// Counts in this process only.
//
// Thread-safe; a microsecond a call. Memory is bounded: an account with its whole burst left takes
// none, and at `max_accounts` the one nearest to that is forgotten, never the one under attack.
class AttemptLimiter {
 public:
  struct Options {
    bool enabled = true;
    int burst = 10;
    Duration interval = std::chrono::seconds(6);
    size_t max_accounts = 65536;  // about 8 MiB
  };

  // Every number of `options` must be above zero.
  AttemptLimiter(const Options& options, const Clock* clock);

  // How long to wait for an attempt on the account with this e-mail key, whether it exists or not;
  // nullopt if one may go on now. Counts nothing.
  std::optional<Duration> Wait(std::string_view email_key) const;
  // The same, and counts an attempt that may go on. A refused one does not make the wait longer.
  std::optional<Duration> Attempt(std::string_view email_key);

  // Accounts remembered.
  size_t accounts() const;

 private:
  // The start of the key's SHA-256: nobody can find keys that collide with somebody else's.
  using Account = uint64_t;

  static Account AccountOf(std::string_view email_key);
  MonotonicTime FullAt(Account account, MonotonicTime now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // With an attempt taken, the account may be at most a whole burst away from full.
  std::optional<Duration> WaitUntil(MonotonicTime full_at, MonotonicTime now) const;
  // When the account has its whole burst again ("theoretical arrival time").
  void SetFullAt(Account account, MonotonicTime full_at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const Clock* const clock_;
  mutable Mutex mutex_;
  std::map<Account, MonotonicTime> full_at_ ABSL_GUARDED_BY(mutex_);
  // The same, the first to be full first.
  std::set<std::pair<MonotonicTime, Account>> by_time_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth::account
