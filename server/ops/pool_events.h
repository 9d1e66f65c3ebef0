#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "pool/clock.h"
#include "pool/mutex.h"
#include "pool/pool_observer.h"

namespace auth::ops {

// Something worth knowing that happened in the pool, for people who look at it now.
struct PoolEvent {
  WallTime time;           // of the last, if it happened several times in a row
  std::string_view kind;   // a static string: "recreated", "connect_failed", "connection_lost", …
  std::string message;     // a sentence; holds no driver text, so no host, user or password
  std::string sqlstate;    // empty where there is none
  std::int32_t count = 1;  // how often it happened in a row
};

// The last events of the pool, newest last: what the log says, without a log at hand. What happens
// again, with nothing else in between, is counted and not listed again.
//
// Thread-safe. `clock` must outlive it.
class PoolEvents final : public pool::PoolObserver {
 public:
  // As many as fit on a screen.
  static constexpr std::size_t kMostEvents = 50;

  explicit PoolEvents(const Clock* clock) : clock_(clock) {}

  std::vector<PoolEvent> Recent() const;

  // The database began, or ceased, to answer.
  void OnDatabase(bool answers);

  void OnConnectFailed(int attempt, int max_attempts, const absl::Status& why) override;
  void OnRetired(pool::RetireReason reason) override;
  void OnRecreated(pool::RecreateReason reason, int64_t generation) override;
  void OnBreaker(pool::BreakerState state) override;
  void OnLeak(Duration borrowed_for) override;
  void OnAttempt(pool::Effect effect, std::string_view fault) override;
  void OnInDoubt(std::string_view resolution) override;

 private:
  void Add(std::string_view kind, std::string message, std::string sqlstate = "");

  const Clock* const clock_;
  mutable Mutex mutex_;
  std::deque<PoolEvent> events_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth::ops
