// What the pool does by itself, and that it does nothing else.
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "tests/unit/pool/pool_fixture.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Call;
using testing::IsOk;

class ConnectionPoolMaintenanceTest : public PoolTest {};

TEST_F(ConnectionPoolMaintenanceTest, IdleTimeoutClosesEvenTheLastConnection) {
  options_.min_connections = 2;
  MakePool();
  pool_->Start();
  ASSERT_TRUE(Eventually([&] { return pool_->Stats().idle == 2; }));
  clock_.Advance(options_.idle_timeout - milliseconds(1));
  EXPECT_EQ(database_.live(), 2);
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(database_.live(), 0);
  EXPECT_EQ(observer_.Count("retired idle_timeout"), 2);
}

TEST_F(ConnectionPoolMaintenanceTest, IdleTimeoutCountsFromTheLastUse) {
  MakePoolWithIdle(2);
  clock_.Advance(options_.idle_timeout / 2);
  { const PooledConnection used = Borrow(); }
  clock_.Advance(options_.idle_timeout / 2);
  EXPECT_EQ(database_.live(), 1);
  clock_.Advance(options_.idle_timeout / 2);
  EXPECT_EQ(database_.live(), 0);
}

TEST_F(ConnectionPoolMaintenanceTest, LifetimesEndApartFromEachOther) {
  options_.max_connections = 20;
  options_.idle_timeout = options_.max_lifetime * 2;
  MakePoolWithIdle(20);
  clock_.Advance(options_.max_lifetime * 8 / 10 - milliseconds(1));
  EXPECT_EQ(database_.live(), 20);
  int steps_with_a_close = 0;
  for (int i = 0; i < 20; ++i) {
    const int before = database_.live();
    clock_.Advance(options_.max_lifetime / 100);
    if (database_.live() < before) ++steps_with_a_close;
  }
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(database_.live(), 0);
  // 20 closes over 20 steps: the chance that they hit fewer than 6 is below 1e-6.
  EXPECT_GE(steps_with_a_close, 6);
  EXPECT_EQ(observer_.Count("retired max_lifetime"), 20);
}

TEST_F(ConnectionPoolMaintenanceTest, BorrowedConnectionPastItsLifetimeIsClosedOnReturn) {
  MakePool();
  std::optional<PooledConnection> held = Borrow();
  clock_.Advance(options_.max_lifetime);
  EXPECT_EQ(database_.live(), 1);
  held.reset();
  EXPECT_EQ(database_.live(), 0);
  EXPECT_EQ(observer_.Count("retired max_lifetime"), 1);
}

TEST_F(ConnectionPoolMaintenanceTest, ReportsALeakOnceABorrow) {
  MakePoolWithIdle(1);
  std::optional<PooledConnection> held = Borrow();
  clock_.Advance(options_.leak_threshold - milliseconds(1));
  EXPECT_EQ(observer_.Count("leak"), 0);
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(observer_.Count("leak"), 1);
  for (int i = 0; i < 10; ++i) clock_.Advance(options_.leak_threshold);
  EXPECT_EQ(observer_.Count("leak"), 1);
  held.reset();
  held = Borrow();
  clock_.Advance(options_.leak_threshold);
  EXPECT_EQ(observer_.Count("leak"), 2);
}

TEST_F(ConnectionPoolMaintenanceTest, IdlePoolSendsNothing) {
  options_.min_connections = 3;
  MakePool();
  pool_->Start();
  ASSERT_TRUE(Eventually([&] { return pool_->Stats().idle == 3; }));
  for (int i = 0; i < 60; ++i) clock_.Advance(seconds(10));
  EXPECT_EQ(database_.connects(), 3);
  EXPECT_EQ(database_.live(), 0);
  EXPECT_EQ(database_.calls(Call::kPing), 0);
  EXPECT_EQ(database_.peeks(), 0);
  EXPECT_TRUE(database_.log().empty());
  EXPECT_THAT(pool_->Acquire(In(seconds(1))), IsOk());
}

}  // namespace
}  // namespace auth::pool
