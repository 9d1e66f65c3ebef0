#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "pool/pool_observer.h"
#include "server/ops/logger.h"

namespace auth::ops {

// Tells the log what happens in the pool, in the product's published words.
//
// Thread-safe. `logger` must outlive it.
class PoolLog final : public pool::PoolObserver {
 public:
  explicit PoolLog(Logger* logger) : logger_(logger) {}

  void OnStarted(int min_connections, int max_connections) override;
  void OnConnected(Duration took) override;
  void OnConnectFailed(int attempt, int max_attempts, const absl::Status& why) override;
  void OnRetryScheduled(Duration delay) override;
  void OnRetired(pool::RetireReason reason) override;
  void OnRecreated(pool::RecreateReason reason, int64_t generation) override;
  void OnBreaker(pool::BreakerState state) override;
  void OnLeak(Duration borrowed_for) override;
  void OnInDoubt(std::string_view resolution) override;

 private:
  Logger* const logger_;
  std::atomic<bool> failing_{false};  // the last connect failed
};

// A driver's message on one line, without the passwords that a connection string in it may show.
std::string CleanDriverMessage(std::string_view message);

}  // namespace auth::ops
