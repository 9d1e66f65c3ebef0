#include "pool/slot_table.h"

#include <gtest/gtest.h>

#include <chrono>

namespace auth::pool {
namespace {

constexpr MonotonicTime At(int second) { return MonotonicTime(std::chrono::seconds(second)); }

// Three idle slots, used at second 1, 2 and 3.
class SlotTableTest : public ::testing::Test {
 protected:
  SlotTableTest() {
    for (int i = 0; i < 3; ++i) {
      slot_[i] = slots_.TakeEmpty();
      slot_[i]->last_used = At(i + 1);
      slots_.PutIdle(slot_[i]);
    }
  }

  SlotTable slots_{3};
  Slot* slot_[3];
};

TEST_F(SlotTableTest, HasNoMoreThanItsMaximum) {
  EXPECT_EQ(slots_.TakeEmpty(), nullptr);
  EXPECT_EQ(slots_.total(), 3);
}

TEST_F(SlotTableTest, GivesTheSlotUsedLast) {
  EXPECT_EQ(slots_.TakeIdle(), slot_[2]);
  EXPECT_EQ(slots_.TakeIdle(), slot_[1]);
  slot_[2]->last_used = At(4);
  slots_.PutIdle(slot_[2]);
  EXPECT_EQ(slots_.TakeIdle(), slot_[2]);
  EXPECT_EQ(slots_.TakeIdle(), slot_[0]);
  EXPECT_EQ(slots_.TakeIdle(), nullptr);
  EXPECT_EQ(slots_.count(SlotState::kValidating), 3);
}

TEST_F(SlotTableTest, SlotThatWasNotUsedGoesBackToItsPlace) {
  slot_[1]->sweep = true;
  EXPECT_EQ(slots_.TakeSweep(), slot_[1]);
  EXPECT_EQ(slots_.TakeSweep(), nullptr);
  slots_.PutIdle(slot_[1]);
  EXPECT_EQ(slots_.TakeIdle(), slot_[2]);
  EXPECT_EQ(slots_.TakeIdle(), slot_[1]);
}

TEST_F(SlotTableTest, BorrowTakesTheSweepMarkAway) {
  slot_[2]->sweep = true;
  EXPECT_EQ(slots_.TakeIdle(), slot_[2]);
  slots_.PutIdle(slot_[2]);
  EXPECT_EQ(slots_.TakeSweep(), nullptr);
}

TEST_F(SlotTableTest, BuriedSlotCountsUntilItIsEmpty) {
  slots_.Bury(slot_[1]);
  EXPECT_EQ(slots_.idle().size(), 2u);
  EXPECT_EQ(slots_.count(SlotState::kClosing), 1);
  EXPECT_EQ(slots_.total(), 3);
  EXPECT_EQ(slots_.TakeEmpty(), nullptr);
  EXPECT_EQ(slots_.TakeBuried(), slot_[1]);
  EXPECT_EQ(slots_.TakeBuried(), nullptr);
  slots_.PutEmpty(slot_[1]);
  EXPECT_EQ(slots_.total(), 2);
  EXPECT_EQ(slots_.TakeEmpty(), slot_[1]);
}

}  // namespace
}  // namespace auth::pool
