#include "server/ops/pool_events.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pool/sql_error.h"

namespace auth::ops {
namespace {

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::vector<PoolEvent> PoolEvents::Recent() const {
  MutexLock lock(&mutex_);
  return {events_.begin(), events_.end()};
}

void PoolEvents::Add(std::string_view kind, std::string message, std::string sqlstate) {
  const WallTime now = clock_->Now();
  MutexLock lock(&mutex_);
  if (!events_.empty()) {
    PoolEvent& last = events_.back();
    if (last.kind == kind && last.message == message && last.sqlstate == sqlstate) {
      last.time = now;
      ++last.count;
      return;
    }
  }
  if (events_.size() == kMostEvents) events_.pop_front();
  events_.push_back(
      {.time = now, .kind = kind, .message = std::move(message), .sqlstate = std::move(sqlstate)});
}

void PoolEvents::OnDatabase(bool answers) {
  Add("database", answers ? "The database answers" : "The database does not answer");
}

void PoolEvents::OnConnectFailed(int attempt, int max_attempts, const absl::Status& why) {
  const pool::SqlError error = pool::SqlErrorOrLost(why);
  Add("connect_failed",
      absl::StrCat("Failed to get connection (attempt ", attempt, "/", max_attempts,
                   "): ", ToAbsl(pool::SqlFaultName(error.fault))),
      error.sqlstate);
}

void PoolEvents::OnRetired(pool::RetireReason reason) {
  if (!pool::WasInvalid(reason)) return;
  Add("connection_lost", absl::StrCat("Connection is invalid (", ToAbsl(pool::Name(reason)), ")"));
}

void PoolEvents::OnRecreated(pool::RecreateReason reason, int64_t generation) {
  Add("recreated", absl::StrCat("Connection pool recreated (", ToAbsl(pool::Name(reason)),
                                "): generation ", generation));
}

void PoolEvents::OnBreaker(pool::BreakerState state) {
  switch (state) {
    case pool::BreakerState::kOpen:
      return Add("breaker", "Database unreachable for too long: calls are refused at once");
    case pool::BreakerState::kHalfOpen:
      return Add("breaker", "Probing whether the database is back");
    case pool::BreakerState::kClosed:
      return Add("breaker", "Database is back: calls are served again");
  }
}

void PoolEvents::OnLeak(Duration borrowed_for) {
  Add("leak", absl::StrFormat("Connection borrowed for %.3gs and not returned",
                              std::chrono::duration<double>(borrowed_for).count()));
}

void PoolEvents::OnAttempt(pool::Effect effect, std::string_view fault) {
  if (fault.empty()) return;
  Add("retry", absl::StrCat("An attempt of a ", ToAbsl(pool::Name(effect)),
                            " call failed: ", ToAbsl(fault)));
}

void PoolEvents::OnInDoubt(std::string_view resolution) {
  Add("in_doubt", absl::StrCat("Connection lost after a write was sent: ", ToAbsl(resolution)));
}

}  // namespace auth::ops
