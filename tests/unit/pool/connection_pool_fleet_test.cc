// Many servers, each with its own pool, on one database that has a limit: simulated, but with the
// real pools and their threads. deploy/capacity.md quotes what these tests print.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "tests/support/limited_database.h"
#include "tests/support/stepped_clock.h"
#include "tests/support/test_run.h"
#include "tests/unit/pool/fleet_server.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::LimitedDatabase;
using testing::ShortOrLong;
using testing::SteppedClock;
using Answer = testing::LimitedDatabase::Answer;

constexpr int kMaxConnections = 5;
constexpr seconds kIdleTimeout(5);
// The longest pause between connects, a connect, a statement, and what a busy machine costs.
constexpr Duration kServedAgain = milliseconds(400) + LimitedDatabase::kConnectTime +
                                  LimitedDatabase::kStatementTime + 4 * SteppedClock::kLongestStep;
constexpr Load kQuiet{.callers = 0};
constexpr Load kLow{.callers = 1};
// More than kMaxConnections can serve at once.
constexpr Load kHigh{.callers = FleetServer::kCallers, .pause = milliseconds(20)};

class ConnectionPoolFleetTest : public ::testing::Test {
 protected:
  // Starts the servers on a database that takes `limit` sessions.
  void StartServers(int limit) {
    const auto seed = static_cast<uint32_t>(testing::TestSeed());
    PoolOptions options;
    options.max_connections = kMaxConnections;
    options.idle_timeout = kIdleTimeout;
    database_ = std::make_unique<LimitedDatabase>(&clock_, limit);
    for (int i = 0; i < count_; ++i) {
      servers_.push_back(
          std::make_unique<FleetServer>(&clock_, database_->MakeFactory(i), options,
                                        seed + static_cast<uint32_t>(i * FleetServer::kCallers)));
    }
    clock_.Run(seconds(1));
  }
  ~ConnectionPoolFleetTest() override {
    for (const auto& server : servers_) server->Stop();
    clock_.Run(FleetServer::kTimeout + seconds(2));
    servers_.clear();
  }

  // Puts the load on all servers, or on the first `most`, and lets time pass.
  void Run(const Load& load, Duration time, size_t most = SIZE_MAX) {
    for (size_t i = 0; i < std::min(most, servers_.size()); ++i) servers_[i]->SetLoad(load);
    clock_.Run(time);
  }

  int64_t Sum(int64_t (FleetServer::*count)() const) const {
    int64_t sum = 0;
    for (const auto& server : servers_) sum += (server.get()->*count)();
    return sum;
  }
  int64_t ok() const { return Sum(&FleetServer::ok); }
  int64_t failed() const { return Sum(&FleetServer::failed); }
  // How long after `moment` the last server served again, of those that did; how many did not.
  std::pair<Duration, int> LastServed(MonotonicTime moment) const {
    std::pair<Duration, int> result{Duration::zero(), 0};
    for (const auto& server : servers_) {
      const MonotonicTime served = server->first_served();
      if (served == MonotonicTime::max()) {
        ++result.second;
      } else {
        result.first = std::max<Duration>(result.first, served - moment);
      }
    }
    return result;
  }
  void ForgetServed() {
    for (const auto& server : servers_) server->ForgetServed();
  }

  std::vector<LimitedDatabase::Connect> ConnectsSince(MonotonicTime since) const {
    std::vector<LimitedDatabase::Connect> connects = database_->connects();
    connects.erase(std::remove_if(connects.begin(), connects.end(),
                                  [since](const auto& connect) { return connect.when < since; }),
                   connects.end());
    return connects;
  }
  int Count(Answer answer, MonotonicTime since = {}) const {
    const auto connects = ConnectsSince(since);
    return static_cast<int>(
        std::count_if(connects.begin(), connects.end(),
                      [answer](const auto& connect) { return connect.answer == answer; }));
  }
  // The most refused connects of one server in any second.
  int MostRefusedInASecond() const {
    std::map<int, std::vector<MonotonicTime>> refused;
    for (const auto& connect : database_->connects()) {
      if (connect.answer != Answer::kOpened) refused[connect.server].push_back(connect.when);
    }
    long most = 0;
    for (const auto& [server, times] : refused) {
      for (auto begin = times.begin(); begin != times.end(); ++begin) {
        most =
            std::max<long>(most, std::lower_bound(begin, times.end(), *begin + seconds(1)) - begin);
      }
    }
    return static_cast<int>(most);
  }
  // How many connects began in each tenth of a second from `since` on.
  std::vector<int> Histogram(MonotonicTime since, Duration time) const {
    constexpr milliseconds kTenth(100);
    std::vector<int> histogram(static_cast<size_t>(time / kTenth));
    for (const auto& connect : ConnectsSince(since)) {
      const auto tenth = static_cast<size_t>((connect.when - since) / kTenth);
      if (tenth < histogram.size()) ++histogram[tenth];
    }
    return histogram;
  }
  static void Print(const char* what, const std::vector<int>& histogram) {
    std::printf("%s:", what);
    for (const int connects : histogram) std::printf(" %d", connects);
    std::printf("\n");
  }

  const int count_ = ShortOrLong(50, 200);
  SteppedClock clock_;
  std::unique_ptr<LimitedDatabase> database_;
  std::vector<std::unique_ptr<FleetServer>> servers_;
};

TEST_F(ConnectionPoolFleetTest, ConnectionsFollowTheLoad) {
  const int limit = count_ * kMaxConnections;
  StartServers(limit);
  EXPECT_EQ(database_->sessions(), count_) << "min_connections of each";
  Run(kLow, seconds(3));
  const int low = database_->sessions();
  EXPECT_LE(low, 2 * count_);
  Run(kHigh, seconds(3));
  EXPECT_EQ(database_->sessions(), limit);
  Run(kLow, 2 * kIdleTimeout);
  const int low_again = database_->sessions();
  EXPECT_LE(low_again, 2 * count_);
  Run(kQuiet, 2 * kIdleTimeout);
  EXPECT_EQ(database_->sessions(), 0) << "an idle service lets the database sleep";
  std::printf("%d servers: %d sessions with a low load, %d with a high one, then %d, at last 0\n",
              count_, low, database_->most_sessions(), low_again);

  EXPECT_EQ(Count(Answer::kFull), 0);
  EXPECT_EQ(database_->most_sessions_of_a_server(), kMaxConnections);
  EXPECT_EQ(failed(), 0);
}

// More could be opened than there are: each server works with what it has.
TEST_F(ConnectionPoolFleetTest, AFullDatabaseFailsNoCall) {
  const int limit = 2 * count_;
  StartServers(limit);
  Run(kLow, seconds(2));
  Run(kHigh, seconds(3));
  EXPECT_EQ(database_->sessions(), limit);
  const int refused = Count(Answer::kFull);
  EXPECT_GT(refused, count_);
  ForgetServed();
  const MonotonicTime now = clock_.Monotonic();
  const int64_t before = ok();
  Run(kHigh, seconds(3));
  EXPECT_EQ(LastServed(now).second, 0) << "servers that serve nobody";
  EXPECT_GE(ok() - before, limit * (seconds(3) / LimitedDatabase::kStatementTime) * 8 / 10)
      << "sessions that do nothing";
  std::printf(
      "%d servers, limit %d: %d connects refused in the first 3 s, then %.1f a second and "
      "server\n",
      count_, limit, refused, Count(Answer::kFull, now) / 3.0 / count_);

  // What some do not need any more, others take.
  Run(kQuiet, 2 * kIdleTimeout, servers_.size() * 3 / 4);
  EXPECT_GE(database_->sessions(), count_ / 4 * kMaxConnections);
  EXPECT_EQ(database_->most_sessions_of_a_server(), kMaxConnections);
  EXPECT_LE(database_->most_sessions(), limit);
  EXPECT_LE(MostRefusedInASecond(), 5);
  EXPECT_EQ(failed(), 0);
}

TEST_F(ConnectionPoolFleetTest, NoHerdAfterAnOutage) {
  const int limit = count_ * kMaxConnections;
  StartServers(limit);
  Run(kHigh, seconds(3));
  const MonotonicTime gone = clock_.Monotonic();
  database_->GoAway();
  Run(kHigh, seconds(3));
  ForgetServed();
  const MonotonicTime back = clock_.Monotonic();
  database_->Return();
  Run(kHigh, seconds(2));

  const std::vector<int> away = Histogram(gone, seconds(3));
  const std::vector<int> after = Histogram(back, seconds(1));
  const auto [last_served, unserved] = LastServed(back);
  Print("connects in each 0.1 s of the outage", away);
  Print("connects in each 0.1 s after it", after);
  std::printf("%d servers: all served %.2f s after the return; at most %d connects at once\n",
              count_, std::chrono::duration<double>(last_served).count(),
              database_->most_connecting());

  EXPECT_LE(MostRefusedInASecond(), 5);
  // Each server tries every 0.2 to 0.4 s. In step they would all do so in the same tenth of a
  // second; each by itself, a third of them does.
  EXPECT_LE(*std::max_element(away.begin() + 5, away.end()), count_ * 3 / 4);
  EXPECT_LE(after[0], limit / 2);
  EXPECT_LE(database_->most_connecting(), count_);
  EXPECT_LE(std::accumulate(after.begin(), after.end(), 0), limit + count_);
  EXPECT_EQ(unserved, 0);
  EXPECT_LE(last_served, kServedAgain);
  EXPECT_EQ(database_->sessions(), limit);
  EXPECT_EQ(Count(Answer::kFull), 0);
  EXPECT_EQ(failed(), 0);
}

// All sessions end, and the next primary is there already.
TEST_F(ConnectionPoolFleetTest, NoHerdAfterASwitch) {
  const int limit = count_ * kMaxConnections;
  StartServers(limit);
  Run(kHigh, seconds(3));
  ForgetServed();
  const MonotonicTime moment = clock_.Monotonic();
  database_->SwitchOver();
  Run(kHigh, seconds(2));

  const std::vector<int> connects = Histogram(moment, seconds(2));
  const auto [last_served, unserved] = LastServed(moment);
  Print("connects in each 0.1 s after a switch", connects);
  std::printf("%d servers: all served after %.2f s; at most %d connects at once\n", count_,
              std::chrono::duration<double>(last_served).count(), database_->most_connecting());

  // The first of each server, and one that was under way and ends with the others.
  EXPECT_LE(connects[0], 2 * count_);
  // Later one of each on average.
  EXPECT_LE(*std::max_element(connects.begin() + 1, connects.end()), count_ * 3 / 2);
  EXPECT_LE(database_->most_connecting(), count_);
  EXPECT_LE(std::accumulate(connects.begin(), connects.end(), 0), limit + count_);
  EXPECT_EQ(database_->sessions(), limit);
  EXPECT_EQ(unserved, 0);
  EXPECT_LE(last_served, kServedAgain);
  EXPECT_EQ(Count(Answer::kFull), 0);
  EXPECT_EQ(failed(), 0);
}

// Why replicas times --pool-max-connections must stay below the limit: whoever comes first takes
// all.
TEST_F(ConnectionPoolFleetTest, AfterAnOutageAFullDatabaseServesAllWhenTheLoadFalls) {
  const int limit = 2 * count_;
  StartServers(limit);
  Run(kHigh, seconds(3));
  EXPECT_EQ(failed(), 0);
  database_->GoAway();
  Run(kHigh, seconds(3));
  ForgetServed();
  const MonotonicTime back = clock_.Monotonic();
  database_->Return();
  Run(kHigh, seconds(5));
  EXPECT_EQ(database_->sessions(), limit);
  std::printf("%d servers, limit %d: 5 s after an outage %d of them had no connection\n", count_,
              limit, LastServed(back).second);

  Run(kLow, 3 * kIdleTimeout);
  EXPECT_EQ(LastServed(back).second, 0);
  EXPECT_LE(database_->most_sessions(), limit);
  EXPECT_LE(MostRefusedInASecond(), 5);
}

}  // namespace
}  // namespace auth::pool
