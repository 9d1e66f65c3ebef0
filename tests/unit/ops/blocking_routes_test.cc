#include "server/ops/blocking_routes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "tests/support/eventually.h"

namespace auth::ops {
namespace {

// A handler that a test lets through one run at a time.
class Gate {
 public:
  HttpRoute Route(const std::string& path) {
    return {.path = path,
            .handler = [this]() -> HttpResponse {
              MutexLock lock(&mutex_);
              ++entered_;
              while (permits_ == 0) changed_.Wait(&mutex_);
              --permits_;
              return {.status = 200, .body = std::to_string(entered_)};
            },
            .may_block = true};
  }
  void Permit(int runs) {
    MutexLock lock(&mutex_);
    permits_ += runs;
    changed_.NotifyAll();
  }
  int entered() {
    MutexLock lock(&mutex_);
    return entered_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int entered_ ABSL_GUARDED_BY(mutex_) = 0;
  int permits_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(BlockingRoutesTest, RequestsThatWaitShareTheNextRunNotTheOneUnderWay) {
  Gate gate;
  const HttpRoute route = gate.Route("/livez");
  std::atomic<int> first{0}, second{0};
  BlockingRoutes routes;
  routes.Submit(&route, [&](const HttpResponse& response) { first += response.body == "1"; });
  ASSERT_TRUE(testing::Eventually([&] { return gate.entered() == 1; }));
  for (int i = 0; i < 100; ++i) {
    routes.Submit(&route, [&](const HttpResponse& response) { second += response.body == "2"; });
  }
  gate.Permit(1);
  ASSERT_TRUE(testing::Eventually([&] { return gate.entered() == 2; }));
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 0) << "they came after the first run began";
  gate.Permit(1);
  ASSERT_TRUE(testing::Eventually([&] { return second == 100; }));
  EXPECT_EQ(gate.entered(), 2);
}

TEST(BlockingRoutesTest, RoutesDoNotShare) {
  Gate gate;
  const HttpRoute a = gate.Route("/a");
  const HttpRoute b = gate.Route("/b");
  std::atomic<int> answers{0};
  BlockingRoutes routes;
  for (int i = 0; i < 3; ++i) {
    routes.Submit(&a, [&](const HttpResponse&) { ++answers; });
    routes.Submit(&b, [&](const HttpResponse&) { ++answers; });
  }
  gate.Permit(4);
  ASSERT_TRUE(testing::Eventually([&] { return answers == 6; }));
  EXPECT_GE(gate.entered(), 2);
}

TEST(BlockingRoutesTest, StopAnswersEverybody) {
  Gate gate;
  const HttpRoute route = gate.Route("/livez");
  std::atomic<int> ok{0}, unavailable{0};
  const auto count = [&](const HttpResponse& response) {
    ++(response.status == 200 ? ok : unavailable);
  };
  BlockingRoutes routes;
  routes.Submit(&route, count);
  ASSERT_TRUE(testing::Eventually([&] { return gate.entered() == 1; }));
  for (int i = 0; i < 5; ++i) routes.Submit(&route, count);
  std::thread stopper([&] { routes.Stop(); });
  gate.Permit(10);
  stopper.join();
  EXPECT_EQ(ok + unavailable, 6);
  EXPECT_GE(ok, 1) << "the one under way is finished";
  routes.Submit(&route, count);
  EXPECT_EQ(ok + unavailable, 7) << "later ones are answered at once";
}

}  // namespace
}  // namespace auth::ops
