#include "pool/waiter_queue.h"

#include <gtest/gtest.h>

namespace auth::pool {
namespace {

TEST(WaiterQueueTest, PopsInTheOrderOfTickets) {
  WaiterQueue queue;
  for (const uint64_t ticket : {3u, 5u, 4u, 9u, 1u}) queue.Add(ticket);
  EXPECT_EQ(queue.size(), 5);
  for (const uint64_t ticket : {1u, 3u, 4u, 5u, 9u}) EXPECT_EQ(queue.Pop()->ticket, ticket);
  EXPECT_EQ(queue.Pop(), nullptr);
}

TEST(WaiterQueueTest, WaiterThatGaveUpIsNotPopped) {
  WaiterQueue queue;
  queue.Add(1);
  const WaiterQueue::Handle gone = queue.Add(2);
  queue.Add(3);
  queue.Release(gone);
  EXPECT_EQ(queue.size(), 2);
  EXPECT_EQ(queue.Pop()->ticket, 1u);
  EXPECT_EQ(queue.Pop()->ticket, 3u);
}

TEST(WaiterQueueTest, SettledWaiterStaysValidAndIsReusedClean) {
  WaiterQueue queue;
  Slot slot;
  const WaiterQueue::Handle first = queue.Add(1);
  Waiter* const popped = queue.Pop();
  EXPECT_EQ(popped, &*first);
  popped->slot = &slot;
  EXPECT_EQ(queue.size(), 0);
  queue.Release(first);
  popped->settled.NotifyAll();  // late, as after the pool's lock
  const WaiterQueue::Handle second = queue.Add(2);
  EXPECT_EQ(&*second, popped);
  EXPECT_FALSE(second->is_settled());
}

}  // namespace
}  // namespace auth::pool
