#pragma once

#include <prometheus/registry.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/connection_pool.h"
#include "pool/mutex.h"
#include "pool/transaction_runner.h"
#include "server/config.h"
#include "server/dev/embedded_postgres.h"
#include "server/ops/logger.h"
#include "server/ops/observers.h"
#include "server/ops/pool_events.h"
#include "server/ops/pool_log.h"
#include "server/ops/pool_metrics.h"
#include "server/store/pg_user_store.h"

namespace auth::server {

// The part of the composition root that faces the database: the private PostgreSQL if one was asked
// for, the pool with its log and metrics, the store, and what is done before they can be used.
//
// Thread-safe, except that Open, Start and Drain are called by one thread. `clock`, `logger` and
// `registry` must outlive it.
class Database {
 public:
  // Told whether the database answers, each time that changes; on any thread, must not block.
  using Listener = std::function<void(bool answers)>;

  // Connects to nothing yet. Failures are the operator's to mend; exit codes as for Application.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const Config& config, const Clock* clock,
                                                        ops::Logger* logger,
                                                        prometheus::Registry* registry);
  ~Database();

  // In the place of the one before; nullptr for none, who is then called no more.
  void SetListener(Listener listener);
  void Start() { pool_->Start(); }

  store::PgUserStore* users() { return users_.get(); }
  pool::PoolStats PoolStats() const { return pool_->Stats(); }
  std::vector<ops::PoolEvent> PoolEvents() const { return events_.Recent(); }
  // See ConnectionPool::LookAtIdle.
  void LookAtIdle() { pool_->LookAtIdle(); }
  // Retires every connection made until now; the generation of those to come.
  std::int64_t RecreatePool();

  // Brings the schema up to date, or checks it, as --migrate says; waits for a database that is
  // away for outage_patience.
  absl::Status Migrate();
  // Repeats Migrate for as long as the database is away. CANCELLED if a drain begins.
  absl::Status Prepare();

  // No new borrows; what is still out after `limit` is cut.
  absl::Status Drain(Duration limit);

 private:
  // Passes the pool's word on to the listener, so that the last word is the true one.
  struct Reachability final : pool::PoolObserver {
    void OnReachabilityChanged() override;
    const pool::ConnectionPool* pool = nullptr;
    ops::PoolEvents* events = nullptr;
    Mutex mutex;
    Listener listener ABSL_GUARDED_BY(mutex);
  };

  Database(const Config& config, const Clock* clock, ops::Logger* logger,
           prometheus::Registry* registry);
  absl::Status Build();
  void LogConnectionLimits() const;
  // False if a drain begins meanwhile.
  bool Pause(Duration duration);

  const Config& config_;
  const Clock* const clock_;
  ops::Logger* const logger_;
  ops::PoolLog log_;
  ops::PoolMetrics metrics_;
  ops::PoolEvents events_;
  Reachability reachability_;
  ops::PoolObservers observers_;

  std::unique_ptr<dev::EmbeddedPostgres> postgres_;
  std::unique_ptr<pool::ConnectionPool> pool_;
  std::unique_ptr<pool::TransactionRunner> transactions_;
  std::unique_ptr<store::PgUserStore> users_;

  Mutex mutex_;
  CondVar draining_changed_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace auth::server
