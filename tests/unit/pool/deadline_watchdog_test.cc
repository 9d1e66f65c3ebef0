#include "pool/deadline_watchdog.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/fake_clock.h"

namespace auth::pool {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

class SocketPair {
 public:
  SocketPair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds_.data()), 0); }
  ~SocketPair() {
    close(fds_[0]);
    close(fds_[1]);
  }
  int ours() const { return fds_[0]; }

  // Sends a byte there and back.
  bool Works() const {
    char byte = 'x';
    return send(fds_[0], &byte, 1, MSG_NOSIGNAL) == 1 && recv(fds_[1], &byte, 1, 0) == 1 &&
           send(fds_[1], &byte, 1, MSG_NOSIGNAL) == 1 && recv(fds_[0], &byte, 1, 0) == 1;
  }
  bool Cut() const {
    pollfd poller = {fds_[0], POLLIN | POLLRDHUP, 0};
    return poll(&poller, 1, 0) > 0 && (poller.revents & POLLHUP) != 0;
  }

 private:
  std::array<int, 2> fds_{};
};

TEST(DeadlineWatchdogTest, EndsABlockedReadAtItsDeadline) {
  testing::FakeClock clock;
  DeadlineWatchdog watchdog(&clock);
  const SocketPair socket;
  DeadlineWatchdog::Guard guard(&watchdog, socket.ours(), clock.Monotonic() + seconds(2));
  std::future<ssize_t> reader = std::async(std::launch::async, [&] {
    char byte;
    return recv(socket.ours(), &byte, 1, 0);
  });

  clock.Advance(seconds(2) - milliseconds(1));
  EXPECT_EQ(reader.wait_for(milliseconds(20)), std::future_status::timeout);
  EXPECT_FALSE(socket.Cut());

  clock.Advance(milliseconds(1));
  ASSERT_EQ(reader.wait_for(seconds(10)), std::future_status::ready);
  EXPECT_EQ(reader.get(), 0);
  EXPECT_TRUE(guard.Disarm());
  EXPECT_TRUE(guard.Disarm());
}

TEST(DeadlineWatchdogTest, LeavesADisarmedSocketAlone) {
  testing::FakeClock clock;
  DeadlineWatchdog watchdog(&clock);
  const SocketPair disarmed;
  const SocketPair later;
  {
    DeadlineWatchdog::Guard guard(&watchdog, disarmed.ours(), clock.Monotonic() + seconds(1));
    EXPECT_FALSE(guard.Disarm());
  }
  DeadlineWatchdog::Guard witness(&watchdog, later.ours(), clock.Monotonic() + seconds(2));
  clock.Advance(seconds(3));
  ASSERT_TRUE(testing::Eventually([&] { return later.Cut(); }));
  EXPECT_TRUE(disarmed.Works());
}

TEST(DeadlineWatchdogTest, FiresInTheOrderOfDeadlinesNotOfArming) {
  testing::FakeClock clock;
  DeadlineWatchdog watchdog(&clock);
  const SocketPair late, early, never;
  const MonotonicTime now = clock.Monotonic();
  DeadlineWatchdog::Guard late_guard(&watchdog, late.ours(), now + seconds(20));
  DeadlineWatchdog::Guard early_guard(&watchdog, early.ours(), now + seconds(1));
  DeadlineWatchdog::Guard never_guard(&watchdog, never.ours(), MonotonicTime::max());
  clock.Advance(seconds(1));
  EXPECT_TRUE(testing::Eventually([&] { return early.Cut(); }));
  EXPECT_FALSE(late.Cut());
  clock.Advance(seconds(20));
  EXPECT_TRUE(testing::Eventually([&] { return late.Cut(); }));
  EXPECT_TRUE(never.Works());
  EXPECT_FALSE(never_guard.Disarm());
}

// A later guard with an earlier deadline must wake a thread that sleeps for long.
TEST(DeadlineWatchdogTest, AnEarlierDeadlineWakesTheThreadInRealTime) {
  const RealClock clock;
  DeadlineWatchdog watchdog(&clock);
  const SocketPair late, early;
  DeadlineWatchdog::Guard late_guard(&watchdog, late.ours(), clock.Monotonic() + seconds(3600));
  const MonotonicTime deadline = clock.Monotonic() + milliseconds(30);
  DeadlineWatchdog::Guard early_guard(&watchdog, early.ours(), deadline);
  char byte;
  EXPECT_EQ(recv(early.ours(), &byte, 1, 0), 0);
  EXPECT_GE(clock.Monotonic(), deadline);
  EXPECT_LT(clock.Monotonic(), deadline + seconds(1));
}

// The race that matters: a deadline fires while its owner disarms and gives the number to others.
TEST(DeadlineWatchdogTest, NeverCutsASocketAfterDisarmUnderManyThreads) {
  const RealClock clock;
  DeadlineWatchdog watchdog(&clock);
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::atomic<int> fired = 0;
  std::atomic<int> spared = 0;
  std::atomic<int> cut_after_disarm = 0;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      std::minstd_rand random(seed + t);
      std::uniform_int_distribution<int> delay(0, 60);
      auto socket = std::make_unique<SocketPair>();
      for (int round = 0; round < 2000; ++round) {
        DeadlineWatchdog::Guard guard(&watchdog, socket->ours(),
                                      clock.Monotonic() + microseconds(delay(random)));
        // As a statement does: the shorter half of the deadlines passes meanwhile.
        const MonotonicTime done = clock.Monotonic() + microseconds(delay(random));
        while (clock.Monotonic() < done) std::this_thread::yield();
        if (guard.Disarm()) {
          ++fired;
          socket = std::make_unique<SocketPair>();  // mostly the same numbers again
        } else {
          ++spared;
          if (!socket->Works()) ++cut_after_disarm;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cut_after_disarm, 0);
  EXPECT_GT(fired, 100);
  EXPECT_GT(spared, 100);
}

}  // namespace
}  // namespace auth::pool
