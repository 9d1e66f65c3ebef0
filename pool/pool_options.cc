#include "pool/pool_options.h"

#include "absl/strings/str_cat.h"

namespace auth::pool {
namespace {

// The pool looks at every slot when it searches for what has expired, and a PostgreSQL server does
// badly with far fewer.
constexpr int kMostConnections = 10'000;
// Each is a thread.
constexpr int kMostConnecting = 16;

absl::Status InRange(const char* name, int value, int least, int most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is ", value, ": it must be between ", least, " and ", most));
}

absl::Status Positive(const char* name, Duration value) {
  if (value > Duration::zero()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " must be longer than zero"));
}

}  // namespace

absl::Status PoolOptions::Validate() const {
  absl::Status status = InRange("max_connections", max_connections, 1, kMostConnections);
  status.Update(InRange("min_connections", min_connections, 0, max_connections));
  status.Update(InRange("max_waiters", max_waiters, 1, 1'000'000));
  status.Update(InRange("max_retries", max_retries, 1, 1'000));
  status.Update(InRange("max_connecting", max_connecting, 1, kMostConnecting));
  status.Update(Positive("connect_timeout", connect_timeout));
  if (acquire_timeout.has_value()) status.Update(Positive("acquire_timeout", *acquire_timeout));
  status.Update(Positive("retry_delay", retry_delay));
  status.Update(Positive("outage_patience", outage_patience));
  if (validate_after_idle < Duration::zero()) {
    status.Update(absl::InvalidArgumentError(
        "validate_after_idle must not be negative; zero pings before every use"));
  }
  status.Update(Positive("ping_timeout", ping_timeout));
  status.Update(Positive("idle_timeout", idle_timeout));
  status.Update(Positive("max_lifetime", max_lifetime));
  if (replace_over < Duration::zero()) {
    status.Update(absl::InvalidArgumentError(
        "replace_over must not be negative; zero replaces lost connections at once"));
  }
  status.Update(Positive("leak_threshold", leak_threshold));
  return status;
}

}  // namespace auth::pool
