#include "server/account/attempt_limiter.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace auth::account {

AttemptLimiter::AttemptLimiter(const Options& options, const Clock* clock)
    : options_(options), clock_(clock) {}

std::optional<Duration> AttemptLimiter::Wait(std::string_view email_key) const {
  if (!options_.enabled) return std::nullopt;
  const Account account = AccountOf(email_key);
  const MonotonicTime now = clock_->Monotonic();
  MutexLock lock(&mutex_);
  return WaitUntil(FullAt(account, now), now);
}

std::optional<Duration> AttemptLimiter::Attempt(std::string_view email_key) {
  if (!options_.enabled) return std::nullopt;
  const Account account = AccountOf(email_key);
  const MonotonicTime now = clock_->Monotonic();
  MutexLock lock(&mutex_);
  while (!by_time_.empty() && by_time_.begin()->first <= now) ForgetOldest();
  const MonotonicTime full_at = FullAt(account, now);
  if (const auto wait = WaitUntil(full_at, now)) return wait;
  if (full_at == now && full_at_.size() >= options_.max_accounts) ForgetOldest();
  SetFullAt(account, full_at + options_.interval);
  return std::nullopt;
}

size_t AttemptLimiter::accounts() const {
  MutexLock lock(&mutex_);
  return full_at_.size();
}

AttemptLimiter::Account AttemptLimiter::AccountOf(std::string_view email_key) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const uint8_t*>(email_key.data()), email_key.size(), digest.data());
  Account account = 0;
  std::memcpy(&account, digest.data(), sizeof(account));
  return account;
}

MonotonicTime AttemptLimiter::FullAt(Account account, MonotonicTime now) const {
  const auto found = full_at_.find(account);
  return found == full_at_.end() ? now : std::max(found->second, now);
}

std::optional<Duration> AttemptLimiter::WaitUntil(MonotonicTime full_at, MonotonicTime now) const {
  const Duration wait = full_at + options_.interval - options_.burst * options_.interval - now;
  return wait > Duration::zero() ? std::optional(wait) : std::nullopt;
}

void AttemptLimiter::SetFullAt(Account account, MonotonicTime full_at) {
  const auto [position, inserted] = full_at_.try_emplace(account, full_at);
  if (!inserted) {
    by_time_.erase({position->second, account});
    position->second = full_at;
  }
  by_time_.emplace(full_at, account);
}

void AttemptLimiter::ForgetOldest() {
  full_at_.erase(by_time_.begin()->second);
  by_time_.erase(by_time_.begin());
}

}  // namespace auth::account
