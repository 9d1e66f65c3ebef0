#pragma once

#include <utility>
#include <vector>

#include "pool/pool_observer.h"
#include "server/ops/call_record.h"

namespace auth::ops {

// Tells several observers, in order. They must outlive it. As thread-safe as they are.
class CallObservers final : public CallObserver {
 public:
  explicit CallObservers(std::vector<CallObserver*> observers) : observers_(std::move(observers)) {}
  void OnCall(const CallRecord& record) override;

 private:
  const std::vector<CallObserver*> observers_;
};

// The same for the pool.
class PoolObservers final : public pool::PoolObserver {
 public:
  explicit PoolObservers(std::vector<pool::PoolObserver*> observers)
      : observers_(std::move(observers)) {}

  void OnStarted(int min_connections, int max_connections) override;
  void OnAcquire(pool::AcquireResult result, Duration wait) override;
  void OnConnected(Duration took) override;
  void OnConnectFailed(int attempt, int max_attempts, const absl::Status& why) override;
  void OnRetryScheduled(Duration delay) override;
  void OnValidated(pool::ValidationTier tier, bool alive) override;
  void OnRetired(pool::RetireReason reason) override;
  void OnRecreated(pool::RecreateReason reason, int64_t generation) override;
  void OnBreaker(pool::BreakerState state) override;
  void OnReachabilityChanged() override;
  void OnLeak(Duration borrowed_for) override;
  void OnAttempt(pool::Effect effect, std::string_view fault) override;
  void OnInDoubt(std::string_view resolution) override;

 private:
  const std::vector<pool::PoolObserver*> observers_;
};

}  // namespace auth::ops
