#include "server/ops/observers.h"

namespace auth::ops {

void CallObservers::OnCall(const CallRecord& record) {
  for (CallObserver* observer : observers_) observer->OnCall(record);
}

void PoolObservers::OnStarted(int min_connections, int max_connections) {
  for (pool::PoolObserver* observer : observers_) {
    observer->OnStarted(min_connections, max_connections);
  }
}

void PoolObservers::OnAcquire(pool::AcquireResult result, Duration wait) {
  for (pool::PoolObserver* observer : observers_) observer->OnAcquire(result, wait);
}

void PoolObservers::OnConnected(Duration took) {
  for (pool::PoolObserver* observer : observers_) observer->OnConnected(took);
}

void PoolObservers::OnConnectFailed(int attempt, int max_attempts, const absl::Status& why) {
  for (pool::PoolObserver* observer : observers_) {
    observer->OnConnectFailed(attempt, max_attempts, why);
  }
}

void PoolObservers::OnRetryScheduled(Duration delay) {
  for (pool::PoolObserver* observer : observers_) observer->OnRetryScheduled(delay);
}

void PoolObservers::OnValidated(pool::ValidationTier tier, bool alive) {
  for (pool::PoolObserver* observer : observers_) observer->OnValidated(tier, alive);
}

void PoolObservers::OnRetired(pool::RetireReason reason) {
  for (pool::PoolObserver* observer : observers_) observer->OnRetired(reason);
}

void PoolObservers::OnRecreated(pool::RecreateReason reason, int64_t generation) {
  for (pool::PoolObserver* observer : observers_) observer->OnRecreated(reason, generation);
}

void PoolObservers::OnBreaker(pool::BreakerState state) {
  for (pool::PoolObserver* observer : observers_) observer->OnBreaker(state);
}

void PoolObservers::OnLeak(Duration borrowed_for) {
  for (pool::PoolObserver* observer : observers_) observer->OnLeak(borrowed_for);
}

void PoolObservers::OnReachabilityChanged() {
  for (pool::PoolObserver* observer : observers_) observer->OnReachabilityChanged();
}

void PoolObservers::OnAttempt(pool::Effect effect, std::string_view fault) {
  for (pool::PoolObserver* observer : observers_) observer->OnAttempt(effect, fault);
}

void PoolObservers::OnInDoubt(std::string_view resolution) {
  for (pool::PoolObserver* observer : observers_) observer->OnInDoubt(resolution);
}

}  // namespace auth::ops
