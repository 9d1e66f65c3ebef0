#include "server/work/admission_controller.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/fake_clock.h"

namespace auth::work {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Needs = AdmissionController::Needs;
using Ticket = AdmissionController::Ticket;
using Refusal = AdmissionController::Refusal;

class AdmissionControllerTest : public ::testing::Test {
 protected:
  using Tickets = std::vector<Ticket>;

  // Admits `count` calls or fails.
  Tickets Fill(AdmissionController* controller, Needs needs, int count) {
    Tickets tickets;
    for (int i = 0; i < count; ++i) {
      auto result = controller->Admit(needs, In(seconds(3600)));
      EXPECT_TRUE(std::holds_alternative<Ticket>(result)) << "call " << i;
      if (auto* ticket = std::get_if<Ticket>(&result)) tickets.push_back(std::move(*ticket));
    }
    return tickets;
  }

  // The refusal's retry_after, or nullopt if the call is admitted (and ends at once).
  std::optional<Duration> Refused(AdmissionController* controller, Needs needs,
                                  Duration left = seconds(3600)) {
    auto result = controller->Admit(needs, In(left));
    if (const auto* refusal = std::get_if<Refusal>(&result)) return refusal->retry_after;
    return std::nullopt;
  }

  MonotonicTime In(Duration left) { return clock_.Monotonic() + left; }

  testing::FakeClock clock_;
};

TEST_F(AdmissionControllerTest, HashQueueIsBoundedAndStoreCallsPassIt) {
  AdmissionController controller({.hash_workers = 2, .hash_queue = 3, .store_calls = 100}, &clock_);
  Tickets tickets = Fill(&controller, Needs::kHashAndStore, 2 + 3);
  EXPECT_TRUE(Refused(&controller, Needs::kHashAndStore));
  EXPECT_FALSE(Refused(&controller, Needs::kStore));
  tickets.pop_back();
  EXPECT_FALSE(Refused(&controller, Needs::kHashAndStore));
}

TEST_F(AdmissionControllerTest, ACallThatHasHashedKeepsItsPlaceInTheStoreQueueOnly) {
  AdmissionController controller({.hash_workers = 1, .hash_queue = 0, .store_calls = 2}, &clock_);
  Tickets first = Fill(&controller, Needs::kHashAndStore, 1);
  EXPECT_TRUE(Refused(&controller, Needs::kHashAndStore));
  first.front().ReleaseHash();
  first.front().ReleaseHash();  // a second time changes nothing
  Tickets second = Fill(&controller, Needs::kHashAndStore, 1);
  second.front().ReleaseHash();
  EXPECT_TRUE(Refused(&controller, Needs::kStore)) << "both still hold a place in the store queue";
  first.clear();
  EXPECT_FALSE(Refused(&controller, Needs::kStore));
}

TEST_F(AdmissionControllerTest, AHashAfterTheStoreTakesItsPlaceThen) {
  AdmissionController controller({.hash_workers = 1, .hash_queue = 1, .store_calls = 9}, &clock_);
  controller.RecordHash(milliseconds(20));
  Tickets waiting = Fill(&controller, Needs::kStore, 3);
  EXPECT_FALSE(waiting[0].AcquireHash(In(seconds(1))));
  EXPECT_FALSE(waiting[0].AcquireHash(In(seconds(1)))) << "it has one";
  EXPECT_TRUE(waiting[1].AcquireHash(In(milliseconds(10)))) << "20 ms to wait";
  EXPECT_FALSE(waiting[1].AcquireHash(In(seconds(1))));
  EXPECT_TRUE(waiting[2].AcquireHash(In(seconds(1)))) << "the queue is full";
  waiting[0].ReleaseHash();
  EXPECT_FALSE(waiting[2].AcquireHash(In(seconds(1))));
  waiting.clear();
  Fill(&controller, Needs::kHashAndStore, 2);  // every place came back
}

TEST_F(AdmissionControllerTest, WhoWillHashLaterIsRefusedNowIfThereIsNoPlace) {
  AdmissionController controller({.hash_workers = 1, .hash_queue = 1, .store_calls = 9}, &clock_);
  const Tickets first = Fill(&controller, Needs::kStoreThenHash, 3);
  const Tickets hashing = Fill(&controller, Needs::kHashAndStore, 2);
  EXPECT_TRUE(Refused(&controller, Needs::kStoreThenHash));
  EXPECT_FALSE(Refused(&controller, Needs::kStore));
}

TEST_F(AdmissionControllerTest, StoreQueueIsBounded) {
  AdmissionController controller({.hash_workers = 1, .hash_queue = 9, .store_calls = 4}, &clock_);
  Tickets tickets = Fill(&controller, Needs::kStore, 4);
  EXPECT_EQ(Refused(&controller, Needs::kStore), seconds(1));
  EXPECT_TRUE(Refused(&controller, Needs::kHashAndStore));
  tickets.clear();
  Fill(&controller, Needs::kStore, 4);
}

TEST_F(AdmissionControllerTest, RefusesWhatCannotBeHashedBeforeItsDeadline) {
  AdmissionController controller({.hash_workers = 2, .hash_queue = 256}, &clock_);
  controller.RecordHash(milliseconds(20));
  Tickets tickets = Fill(&controller, Needs::kHashAndStore, 100);  // 100 × 20 ms / 2 = 1 s
  EXPECT_FALSE(Refused(&controller, Needs::kHashAndStore, milliseconds(1000)));
  EXPECT_EQ(Refused(&controller, Needs::kHashAndStore, milliseconds(600)), milliseconds(400));
  EXPECT_EQ(Refused(&controller, Needs::kHashAndStore, milliseconds(999)), milliseconds(100))
      << "nobody should come back within 100 ms";
  EXPECT_FALSE(Refused(&controller, Needs::kStore, milliseconds(1))) << "it needs no hash";
}

TEST_F(AdmissionControllerTest, AFullQueueAsksToComeBackWhenHalfOfItIsDone) {
  AdmissionController controller({.hash_workers = 2, .hash_queue = 98}, &clock_);
  controller.RecordHash(milliseconds(20));
  Tickets tickets = Fill(&controller, Needs::kHashAndStore, 100);
  EXPECT_EQ(Refused(&controller, Needs::kHashAndStore), milliseconds(500));
  for (int i = 0; i < 100; ++i) controller.RecordHash(seconds(10));
  EXPECT_EQ(Refused(&controller, Needs::kHashAndStore), seconds(10)) << "and never in minutes";
}

TEST_F(AdmissionControllerTest, KnowsNoWaitBeforeTheFirstHash) {
  AdmissionController controller({.hash_workers = 1, .hash_queue = 256}, &clock_);
  Tickets tickets = Fill(&controller, Needs::kHashAndStore, 256);
  EXPECT_FALSE(Refused(&controller, Needs::kHashAndStore, milliseconds(1)));
}

TEST_F(AdmissionControllerTest, EstimateFollowsTheRecentTimeOfAHash) {
  AdmissionController controller({.hash_workers = 1, .hash_queue = 256}, &clock_);
  controller.RecordHash(milliseconds(10));
  Tickets tickets = Fill(&controller, Needs::kHashAndStore, 10);  // 100 ms at 10 ms each
  EXPECT_FALSE(Refused(&controller, Needs::kHashAndStore, milliseconds(150)));
  controller.RecordHash(milliseconds(30));  // one slow hash: 12.5 ms on average
  EXPECT_FALSE(Refused(&controller, Needs::kHashAndStore, milliseconds(150)));
  for (int i = 0; i < 20; ++i) controller.RecordHash(milliseconds(30));
  EXPECT_TRUE(Refused(&controller, Needs::kHashAndStore, milliseconds(150)));
  for (int i = 0; i < 40; ++i) controller.RecordHash(milliseconds(10));
  EXPECT_FALSE(Refused(&controller, Needs::kHashAndStore, milliseconds(150)));
}

TEST_F(AdmissionControllerTest, MovedTicketsGiveBackOnce) {
  AdmissionController controller({.hash_workers = 1, .hash_queue = 0}, &clock_);
  Tickets tickets = Fill(&controller, Needs::kHashAndStore, 1);
  {
    Ticket moved = std::move(tickets.front());
    tickets.clear();
    EXPECT_TRUE(Refused(&controller, Needs::kHashAndStore));
  }
  Tickets again = Fill(&controller, Needs::kHashAndStore, 1);
  EXPECT_TRUE(Refused(&controller, Needs::kHashAndStore));
}

TEST_F(AdmissionControllerTest, NeverAdmitsMoreThanItsBoundsFromManyThreads) {
  constexpr int kBound = 5;
  AdmissionController controller({.hash_workers = 1, .hash_queue = kBound - 1}, &clock_);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        auto result = controller.Admit(Needs::kHashAndStore, In(seconds(1)));
        if (!std::holds_alternative<Ticket>(result)) continue;
        const int now = ++inside;
        ++admitted;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        controller.RecordHash(std::chrono::microseconds(1));
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(admitted, 0);
  EXPECT_LE(most, kBound);
  Fill(&controller, Needs::kHashAndStore, kBound);  // every place came back
}

}  // namespace
}  // namespace auth::work
