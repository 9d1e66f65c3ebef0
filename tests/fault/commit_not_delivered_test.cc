// The connection breaks around COMMIT: it never reaches the database, or its answer never reaches
// us. The service's calls are single statements that commit themselves. A COMMIT is sent by its
// migrations, and by whoever uses TransactionRunner for more than one statement.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pool/effect.h"
#include "pool/transaction_runner.h"
#include "tests/support/eventually.h"
#include "tests/support/postgres_gate.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/mixed_load.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"
#include "tests/support/test_store.h"

namespace auth::testing {
namespace {

using Fault = PostgresGate::Fault;
using std::chrono::seconds;

constexpr int kThreads = 8;
constexpr int kUnlimited = 1'000'000;

constexpr pool::Statement kFirst = {
    "first_half", "INSERT INTO halves VALUES ($1::int, 1) ON CONFLICT DO NOTHING"};
constexpr pool::Statement kSecond = {
    "second_half", "INSERT INTO halves VALUES ($1::int, 2) ON CONFLICT DO NOTHING"};
constexpr pool::Statement kAppend = {"append", "INSERT INTO log VALUES ($1::int)"};

constexpr Fault kFaults[] = {Fault::kCutBefore, Fault::kCutAfter, Fault::kLoseReply};

// Three in ten of these requests are not delivered, or not answered.
void BreakSome(const std::string& request, PostgresGate* gate) {
  for (const Fault fault : kFaults) {
    gate->Add({.request = request,
               .fault = fault,
               .times = kUnlimited,
               .probability = 0.1,
               .reply_bytes = std::nullopt});
  }
}

class CommitNotDelivered : public PostgresTest {
 protected:
  CommitNotDelivered()
      : url_(postgres().CreateDatabase()),
        database_(url_),
        gate_(postgres().port(), TestSeed()),
        store_(gate_.tcp().Through(url_)) {
    database_.Execute(
        "CREATE TABLE halves (id int, half int, PRIMARY KEY (id, half));"
        "CREATE TABLE log (id int)");
    BreakSome("COMMIT", &gate_);
  }

  // Runs transaction(id) for each id, from several threads.
  template <typename Transaction>
  void RunAll(Transaction transaction) {
    std::atomic<int> next = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int id; (id = next++) < transactions_;) transaction(id);
      });
    }
    for (std::thread& thread : threads) thread.join();
    gate_.ClearRules();
    std::printf("%d transactions; COMMITs: %ld cut before, %ld cut at work, %ld lost replies\n",
                transactions_, gate_.done(Fault::kCutBefore), gate_.done(Fault::kCutAfter),
                gate_.done(Fault::kLoseReply));
    for (const Fault fault : kFaults) EXPECT_GT(gate_.done(fault), 0);
  }

  // The service begins where the pool ends.
  void ExpectServed() {
    auto server =
        AuthServerProcess::Start(WithCheapHashing({"--database-url=" + gate_.tcp().Through(url_)}));
    ASSERT_THAT(server, IsOk());
    History history;
    ExpectServiceRestored(server->grpc_address(), url_, &history, seconds(10));
  }

  const int transactions_ = ShortOrLong(200, 5000);
  const std::string url_;
  SqlConnection database_;
  PostgresGate gate_;
  TestStore store_;
};

TEST_F(CommitNotDelivered, IdempotentTransactionsAreDoneOnceAndWhole) {
  RunAll([this](int id) {
    const MonotonicTime deadline = store_.In(seconds(30));
    const absl::Status status = store_.runner().RunInTransaction(
        pool::Effect::kIdempotent, deadline, [&](pool::Connection& connection) {
          const pool::Params params = {std::to_string(id)};
          absl::Status done = connection.Execute(deadline, kFirst, params).status();
          if (done.ok()) done = connection.Execute(deadline, kSecond, params).status();
          return done;
        });
    EXPECT_THAT(status, IsOk());
  });
  EXPECT_EQ(database_.QueryValue("SELECT count(*) FROM halves"), std::to_string(2 * transactions_));
  ExpectServed();
}

TEST_F(CommitNotDelivered, TransactionsThatMustRunOnceAreNeverDoubled) {
  std::atomic<int> ok = 0;
  std::atomic<int> unknown = 0;
  RunAll([&](int id) {
    const MonotonicTime deadline = store_.In(seconds(30));
    const absl::Status status = store_.runner().RunInTransaction(
        pool::Effect::kOnce, deadline, [&](pool::Connection& connection) {
          return connection.Execute(deadline, kAppend, {std::to_string(id)}).status();
        });
    if (status.ok()) {
      ++ok;
      return;
    }
    EXPECT_TRUE(pool::OutcomeUnknown(status)) << status;
    ++unknown;
  });
  std::printf("%d known to be done, %d unknown\n", ok.load(), unknown.load());
  EXPECT_EQ(unknown, gate_.done(Fault::kCutBefore) + gate_.done(Fault::kCutAfter) +
                         gate_.done(Fault::kLoseReply));
  // A COMMIT that was cut at work may still be under way.
  const auto settled = [&] {
    return postgres().QueryValue(
               "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND "
               "pid <> pg_backend_pid() AND state <> 'idle'") == "0";
  };
  EXPECT_TRUE(Eventually(settled));
  const int stored = std::stoi(database_.QueryValue("SELECT count(*) FROM log"));
  EXPECT_EQ(database_.QueryValue("SELECT count(DISTINCT id) FROM log"), std::to_string(stored));
  EXPECT_GE(stored, ok + gate_.done(Fault::kLoseReply));
  EXPECT_LE(stored, transactions_ - gate_.done(Fault::kCutBefore));
  ExpectServed();
}

TEST(WriteNotDelivered, NoCallFailsAndNoneIsLostOrDoubled) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  PostgresGate gate(postgres.port(), TestSeed());
  auto server =
      AuthServerProcess::Start(WithCheapHashing({"--database-url=" + gate.tcp().Through(url)}));
  ASSERT_THAT(server, IsOk());
  History history;
  MixedLoad load(
      server->grpc_address(),
      {.registrations_per_second = 40, .validations_per_second = 40, .sign_outs_per_second = 20},
      &history);
  BreakSome("register_user", &gate);
  BreakSome("delete_session", &gate);
  const int64_t wanted = ShortOrLong(50, 1000);
  for (const Fault fault : kFaults) {
    EXPECT_TRUE(Eventually([&] { return gate.done(fault) >= wanted; }, std::chrono::minutes(4)));
  }
  load.Stop();
  gate.ClearRules();
  std::printf(
      "%ld registrations and %ld sign-outs sent; %ld cut before, %ld cut at work, "
      "%ld lost replies; %ld calls OK, %ld failed\n",
      gate.seen("register_user"), gate.seen("delete_session"), gate.done(Fault::kCutBefore),
      gate.done(Fault::kCutAfter), gate.done(Fault::kLoseReply), load.ok(), load.failed());
  EXPECT_EQ(load.failed(), 0) << load.failures();
  EXPECT_GT(gate.seen("delete_session"), 0);
  ExpectServiceRestored(server->grpc_address(), url, &history, seconds(10));
}

TEST(CommitOfMigrationNotDelivered, TheServerStartsAllTheSame) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  PostgresGate gate(postgres.port());
  gate.Add({.request = "COMMIT", .fault = Fault::kCutBefore});
  gate.Add({.request = "COMMIT", .fault = Fault::kLoseReply});
  auto server = AuthServerProcess::Start({"--database-url=" + gate.tcp().Through(url)});
  ASSERT_THAT(server, IsOk());
  EXPECT_EQ(gate.done(Fault::kCutBefore), 1);
  EXPECT_EQ(gate.done(Fault::kLoseReply), 1);
  EXPECT_EQ(SqlConnection(url).QueryValue("SELECT count(*) - count(DISTINCT version) "
                                          "FROM schema_migrations"),
            "0");
  History history;
  ExpectServiceRestored(server->grpc_address(), url, &history, seconds(10));
}

}  // namespace
}  // namespace auth::testing
