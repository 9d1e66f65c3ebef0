#include "server/ops/ops_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/fake_clock.h"

namespace auth::ops {
namespace {

class OpsRoutesTest : public ::testing::Test {
 protected:
  HttpResponse Get(const std::string& path) {
    const auto routes = OpsRoutes({.live = [this] { return live_; },
                                   .ready = [this] { return ready_; },
                                   .snapshot = [this] { return Take(); },
                                   .configuration = "listen = here\n"});
    const auto route = std::find_if(routes.begin(), routes.end(),
                                    [&](const HttpRoute& each) { return each.path == path; });
    EXPECT_NE(route, routes.end());
    EXPECT_EQ(route->may_block, path == "/livez");
    return route->handler();
  }

  std::shared_ptr<const Snapshot> Take() const {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->sequence = 7;
    snapshot->time = clock_.Now();
    snapshot->moment = clock_.Monotonic();
    snapshot->pool = stats_;
    return snapshot;
  }

  testing::FakeClock clock_;
  absl::Status live_;
  absl::Status ready_;
  pool::PoolStats stats_;
};

TEST_F(OpsRoutesTest, LivezAndReadyz) {
  for (const auto& [path, status] : {std::pair("/livez", &live_), std::pair("/readyz", &ready_)}) {
    EXPECT_EQ(Get(path).status, 200);
    EXPECT_EQ(Get(path).body, "{\"status\":\"ok\"}\n");
    *status = absl::UnavailableError("not \"yet\"");
    EXPECT_EQ(Get(path).status, 503);
    EXPECT_EQ(Get(path).body, "{\"status\":\"unavailable\",\"reason\":\"not \\\"yet\\\"\"}\n");
    EXPECT_EQ(Get(path).content_type, "application/json");
  }
}

TEST_F(OpsRoutesTest, MetricsHaveTheTypeOfTheTextFormat) {
  EXPECT_EQ(Get("/metrics").content_type, "text/plain; version=0.0.4");
  EXPECT_NE(Get("/metrics").body.find("\nauth_snapshot_sequence 7\n"), std::string::npos);
}

TEST_F(OpsRoutesTest, TheDashboardIsAPage) {
  EXPECT_EQ(Get("/dashboard").status, 200);
  EXPECT_EQ(Get("/dashboard").content_type, "text/html; charset=utf-8");
}

TEST_F(OpsRoutesTest, TheDashboardsSnapshotIsTheSamePicture) {
  const HttpResponse response = Get("/dashboard/snapshot");
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(nlohmann::json::parse(response.body)["sequence"], 7);
}

TEST_F(OpsRoutesTest, ConfigurationIsPlainText) {
  EXPECT_EQ(Get("/debug/config").content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(Get("/debug/config").body, "listen = here\n");
}

TEST_F(OpsRoutesTest, DatabaseBeforeAnyEvidence) {
  const HttpResponse response = Get("/health/database");
  EXPECT_EQ(response.status, 503);
  const auto body = nlohmann::json::parse(response.body);
  EXPECT_EQ(body["status"], "connecting");
  EXPECT_TRUE(body["since"].is_null());
  EXPECT_TRUE(body["lastError"].is_null());
}

TEST_F(OpsRoutesTest, DatabaseUp) {
  stats_.connecting = 1;
  stats_.validating = 2;
  stats_.idle = 3;
  stats_.in_use = 4;
  stats_.resetting = 5;
  stats_.max = 20;
  stats_.waiters = 6;
  stats_.generation = 7;
  stats_.database_reachable = true;
  stats_.reachable_since = clock_.Monotonic();
  clock_.Advance(std::chrono::seconds(100));
  const HttpResponse response = Get("/health/database");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(nlohmann::json::parse(response.body), nlohmann::json::parse(R"({
      "status": "up", "since": "2023-11-14T22:13:20.000Z", "breaker": "closed", "lastError": null,
      "pool": {"connecting": 1, "validating": 2, "idle": 3, "inUse": 4, "resetting": 5,
               "total": 15, "max": 20, "waiters": 6, "generation": 7}})"));
}

TEST_F(OpsRoutesTest, DatabaseDownTellsClassAndSince) {
  stats_.reachable_since = clock_.Monotonic();
  stats_.last_fault = "server_full";
  stats_.last_sqlstate = "53300";
  const HttpResponse response = Get("/health/database");
  EXPECT_EQ(response.status, 503);
  const auto body = nlohmann::json::parse(response.body);
  EXPECT_EQ(body["status"], "down");
  EXPECT_EQ(body["since"], "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(body["lastError"]["class"], "server_full");
  EXPECT_EQ(body["lastError"]["sqlstate"], "53300");
  stats_.last_sqlstate = "";
  EXPECT_TRUE(
      nlohmann::json::parse(Get("/health/database").body)["lastError"]["sqlstate"].is_null());
}

TEST_F(OpsRoutesTest, AnOpenBreakerIsDown) {
  stats_.database_reachable = true;
  stats_.breaker = pool::BreakerState::kOpen;
  EXPECT_EQ(Get("/health/database").status, 503);
}

}  // namespace
}  // namespace auth::ops
