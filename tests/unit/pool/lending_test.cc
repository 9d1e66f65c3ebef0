#include "pool/lending.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "tests/support/fake_clock.h"

namespace auth::pool {
namespace {

using std::chrono::seconds;

class LendingTest : public ::testing::Test {
 protected:
  static PoolOptions TwoConnections() {
    PoolOptions options;
    options.max_connections = 2;
    return options;
  }

  // A connect that has just succeeded.
  Slot* Open() {
    Slot* const slot = lending_.TakeEmpty();
    lending_.OnOpened(slot, clock_.Monotonic());
    return slot;
  }
  bool Accept(Slot* slot) { return lending_.Accept(slot, clock_.Monotonic(), &deferred_); }
  int count(SlotState state) const { return lending_.slots().count(state); }

  testing::FakeClock clock_;
  PoolObserver observer_;
  const PoolOptions options_ = TwoConnections();
  MaintenanceAlarm alarm_;
  Lending lending_{options_, &clock_, &alarm_};
  Deferred deferred_{&observer_};
};

TEST_F(LendingTest, AConnectionGoesToTheLongestWaiterAndElseIsIdle) {
  const WaiterQueue::Handle first = lending_.Enter(lending_.DrawTicket());
  const WaiterQueue::Handle second = lending_.Enter(lending_.DrawTicket());
  Slot* const slot = Open();
  EXPECT_TRUE(Accept(slot));
  EXPECT_EQ(first->slot, slot);
  EXPECT_FALSE(second->is_settled());
  lending_.Leave(first);
  lending_.Leave(second);
  EXPECT_TRUE(Accept(slot));
  EXPECT_EQ(count(SlotState::kIdle), 1);
}

TEST_F(LendingTest, WhoCannotGoOnPassesOnWhatItWasGiven) {
  const WaiterQueue::Handle first = lending_.Enter(lending_.DrawTicket());
  const WaiterQueue::Handle second = lending_.Enter(lending_.DrawTicket());
  Slot* const slot = Open();
  EXPECT_TRUE(Accept(slot));
  lending_.Abandon(first, &deferred_);
  EXPECT_EQ(second->slot, slot);
  lending_.Abandon(second, &deferred_);
  EXPECT_EQ(count(SlotState::kIdle), 1);
}

TEST_F(LendingTest, WhatIsOfAnOlderGenerationIsNotLent) {
  Slot* const slot = Open();
  EXPECT_TRUE(Accept(slot));
  ASSERT_EQ(lending_.TakeIdle(), slot);
  lending_.generation().Raise(RecreateReason::kReadOnly, clock_.Monotonic());
  EXPECT_EQ(lending_.CountStale(), 1);
  EXPECT_EQ(lending_.Lend(slot, clock_.Monotonic(), &deferred_), RetireReason::kStaleGeneration);
  EXPECT_FALSE(Accept(slot));
  EXPECT_EQ(count(SlotState::kClosing), 1);
}

TEST_F(LendingTest, IsBusyWhileAllConnectionsAreLent) {
  EXPECT_TRUE(Accept(Open()));
  EXPECT_TRUE(Accept(Open()));
  Slot* const first = lending_.TakeIdle();
  EXPECT_FALSE(lending_.busy_since().has_value());
  clock_.Advance(seconds(1));
  ASSERT_NE(lending_.TakeIdle(), nullptr);
  EXPECT_EQ(lending_.busy_since(), clock_.Monotonic());
  EXPECT_TRUE(Accept(first));
  EXPECT_FALSE(lending_.busy_since().has_value());
}

TEST_F(LendingTest, DrainingAcceptsNothingAndBuriesWhatIsIdle) {
  Slot* const lent = Open();
  EXPECT_TRUE(Accept(Open()));
  lending_.BeginDrain(&deferred_);
  EXPECT_NE(lending_.TakeBuried(), nullptr);
  EXPECT_FALSE(Accept(lent));
}

TEST_F(LendingTest, ALeakIsReportedOnceAndIdleOnesExpire) {
  Slot* const slot = Open();
  EXPECT_TRUE(Accept(slot));
  EXPECT_EQ(lending_.NextMaintenance(), clock_.Monotonic() + options_.idle_timeout);
  ASSERT_EQ(lending_.TakeIdle(), slot);
  EXPECT_FALSE(lending_.Lend(slot, clock_.Monotonic(), &deferred_).has_value());
  EXPECT_EQ(lending_.NextMaintenance(), clock_.Monotonic() + options_.leak_threshold);
  clock_.Advance(options_.leak_threshold);
  lending_.ReportLeaks(clock_.Monotonic(), &deferred_);
  EXPECT_EQ(lending_.NextMaintenance(), kNever);
  EXPECT_TRUE(Accept(slot));
  clock_.Advance(options_.idle_timeout);
  lending_.ExpireIdle(clock_.Monotonic(), &deferred_);
  EXPECT_EQ(lending_.TakeBuried(), slot);
}

}  // namespace
}  // namespace auth::pool
