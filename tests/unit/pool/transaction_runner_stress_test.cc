// Many callers on the real clock, while sessions die at random.
#include <atomic>
#include <chrono>
#include <future>
#include <random>
#include <thread>
#include <vector>

#include "tests/unit/pool/transaction_runner_fixture.h"

namespace auth::pool {
namespace {

using std::chrono::seconds;

TEST(TransactionRunnerStressTest, NobodySeesALossWhileSessionsDieAtRandom) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  const RealClock clock;
  testing::ScriptedDatabase database(&clock);
  database.DisableLog();
  AttemptRecorder observer;
  PoolOptions options;
  options.max_connections = 4;
  ConnectionPool pool(options, database.MakeFactory(), &clock, &observer);
  const TransactionRunner runner(&pool, &clock, &observer);

  std::atomic<bool> done = false;
  std::thread killer([&] {
    std::minstd_rand random(seed);
    testing::Eventually([&] {
      database.ForEachLiveSession([&](testing::ScriptedSession& session) {
        if (random() % 8 == 0) session.KillUnnoticed();
      });
      return done.load();
    });
  });
  constexpr int kCallers = 8;
  std::vector<std::future<int>> callers;
  callers.reserve(kCallers);
  for (int t = 0; t < kCallers; ++t) {
    callers.push_back(std::async(std::launch::async, [&, t] {
      int failed = 0;
      // On a fast machine 400 runs are over before the killer has struck.
      for (int i = 0; i < 400 || database.session_count() <= 10; ++i) {
        const MonotonicTime deadline = clock.Monotonic() + seconds(30);
        const auto body = [&](Connection& connection) {
          return connection.Execute(deadline, kWrite, {}).status();
        };
        const Effect effect = t % 2 == 0 ? Effect::kReadOnly : Effect::kIdempotent;
        const absl::Status status = t % 4 < 2 ? runner.Run(effect, deadline, body)
                                              : runner.RunInTransaction(effect, deadline, body);
        if (!status.ok()) ++failed;
      }
      return failed;
    }));
  }
  int failed = 0;
  for (std::future<int>& caller : callers) failed += caller.get();
  done = true;
  killer.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(database.overlaps(), 0);
  EXPECT_GT(database.session_count(), 10) << "the killer never struck";
}

}  // namespace
}  // namespace auth::pool
