#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "pool/clock.h"
#include "pool/connection_pool.h"
#include "pool/pool_observer.h"
#include "pool/pool_options.h"
#include "pool/transaction_runner.h"
#include "server/account/user_store.h"
#include "server/store/pg_user_store.h"
#include "tests/support/fault_injector.h"

namespace auth::testing {

// A PgUserStore on a real pool, with the schema in place. Throws if the database refuses.
class TestStore {
 public:
  // `faults`, if any, must outlive it.
  explicit TestStore(const std::string& url, pool::PoolOptions options = {},
                     FaultInjector* faults = nullptr, pool::PoolMode mode = pool::PoolMode::kAuto);

  store::PgUserStore& store() { return store_; }
  pool::ConnectionPool& pool() { return pool_; }
  const pool::TransactionRunner& runner() const { return runner_; }
  const Clock& clock() const { return clock_; }
  MonotonicTime In(Duration duration) const { return clock_.Monotonic() + duration; }

 private:
  const RealClock clock_;
  pool::PoolObserver observer_;
  pool::ConnectionPool pool_;
  const pool::TransactionRunner runner_;
  store::PgUserStore store_;
};

// A registration with fresh ids, made now; expires in an hour. `email` is also its key.
account::NewUser MakeNewUser(std::string_view email);
// A session of `user` with a fresh id and token hash.
account::NewSession MakeNewSession(const account::Uuid& user);

}  // namespace auth::testing
