#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "pool/pool_observer.h"

namespace prometheus {
class Counter;
class Histogram;
class Registry;
}  // namespace prometheus

namespace auth::ops {

// Counts what happens in the pool and in transactions: the counters and histograms `auth_pool_…`
// and `auth_tx_…`. The pool's gauges are read at scrape time, by MetricsPage.
//
// All children exist from the start, at 0, so that rates and alerts see the first event. An event
// costs one atomic addition; an acquire or a connect the lock of a histogram.
//
// Thread-safe. `registry` must outlive it.
class PoolMetrics final : public pool::PoolObserver {
 public:
  explicit PoolMetrics(prometheus::Registry* registry);

  void OnAcquire(pool::AcquireResult result, Duration wait) override;
  void OnConnected(Duration took) override;
  void OnConnectFailed(int attempt, int max_attempts, const absl::Status& why) override;
  void OnValidated(pool::ValidationTier tier, bool alive) override;
  void OnRetired(pool::RetireReason reason) override;
  void OnRecreated(pool::RecreateReason reason, int64_t generation) override;
  void OnLeak(Duration borrowed_for) override;
  void OnAttempt(pool::Effect effect, std::string_view fault) override;
  void OnInDoubt(std::string_view resolution) override;

 private:
  // How many values the enums have that are labels; the array's index is the value.
  static constexpr std::size_t kRetireReasons = 11;
  static constexpr std::size_t kRecreateReasons = 5;
  static constexpr std::size_t kTiers = 2;
  static constexpr std::size_t kEffects = 3;
  // The faults of sql_error.h by name, and "other" for what did not come from the database; for
  // attempts also "ok".
  static constexpr std::size_t kFaults = 12;
  struct NamedCounter {
    std::string_view name;
    prometheus::Counter* counter;
  };

  prometheus::Histogram* acquire_;
  prometheus::Counter* acquire_timeouts_;
  prometheus::Counter* rejected_;
  prometheus::Histogram* connect_;
  prometheus::Counter* leaks_;
  std::array<NamedCounter, kFaults> connect_failures_{};
  std::array<std::array<prometheus::Counter*, 2>, kTiers> validations_{};  // [tier][alive]
  std::array<prometheus::Counter*, kRetireReasons> retired_{};
  std::array<prometheus::Counter*, kRecreateReasons> recreations_{};
  std::array<std::array<NamedCounter, kFaults + 1>, kEffects> attempts_{};
  std::array<NamedCounter, 3> in_doubt_{};
};

}  // namespace auth::ops
