#include "server/ops/snapshot_json.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "tests/support/fake_clock.h"

namespace auth::ops {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(SnapshotJsonTest, SaysEverythingThatThePageShows) {
  testing::FakeClock clock;
  clock.Advance(seconds(100));
  Snapshot snapshot;
  snapshot.sequence = 17;
  snapshot.time = clock.Now();
  snapshot.moment = clock.Monotonic();
  snapshot.uptime = milliseconds(123'400);
  snapshot.version = "1.2.3";
  snapshot.ready = true;
  snapshot.pool.max = 10;
  snapshot.pool.idle = 1;
  snapshot.pool.connecting = 1;
  snapshot.pool.generation = 2;
  snapshot.pool.database_reachable = true;
  snapshot.pool.reachable_since = clock.Monotonic() - seconds(20);
  snapshot.pool.slots = {{.state = "idle",
                          .generation = 2,
                          .opened = clock.Monotonic() - seconds(12),
                          .expires = clock.Monotonic() + seconds(1700),
                          .since = clock.Monotonic() - milliseconds(1500)},
                         {.state = "connecting", .generation = 2}};
  snapshot.workers = {{"hash", 2, 1, 7}};
  snapshot.events = {{clock.Now(), "retry", "An attempt \"failed\"", "57P01", 3}};

  EXPECT_EQ(nlohmann::json::parse(SnapshotJson(snapshot)), nlohmann::json::parse(R"({
      "sequence": 17, "time": "2023-11-14T22:15:00.000Z", "version": "1.2.3",
      "uptimeSeconds": 123.4, "ready": true,
      "database": {"status": "up", "since": "2023-11-14T22:14:40.000Z", "breaker": "closed",
                   "lastError": null},
      "pool": {"connecting": 1, "validating": 0, "idle": 1, "inUse": 0, "resetting": 0, "total": 2,
               "max": 10, "waiters": 0, "generation": 2,
               "slots": [{"state": "idle", "generation": 2, "ageSeconds": 12.0,
                          "inStateSeconds": 1.5, "expiresInSeconds": 1700.0},
                         {"state": "connecting", "generation": 2, "ageSeconds": null,
                          "inStateSeconds": null, "expiresInSeconds": null}]},
      "acquire": {"count": 0, "sumSeconds": 0.0, "buckets": []},
      "hash": {"count": 0, "sumSeconds": 0.0, "buckets": []},
      "workers": [{"name": "hash", "threads": 2, "running": 1, "queued": 7}],
      "calls": [],
      "events": [{"time": "2023-11-14T22:15:00.000Z", "kind": "retry",
                  "message": "An attempt \"failed\"", "sqlstate": "57P01", "count": 3}]})"));
}

}  // namespace
}  // namespace auth::ops
