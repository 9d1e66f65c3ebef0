#include "server/store/migrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "pool/connection_pool.h"
#include "pool/pqxx_connection_factory.h"
#include "pool/sql_error.h"
#include "tests/support/eventually.h"
#include "tests/support/fault_injector.h"
#include "tests/support/postgres_gate.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"

namespace auth::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::PostgresGate;
using testing::StatusIs;
using Fault = testing::PostgresGate::Fault;

// Counts the transactions that ended without anybody knowing how.
class UnknownCounter final : public pool::PoolObserver {
 public:
  void OnInDoubt(std::string_view resolution) override {
    if (resolution == "unknown") ++count_;
  }
  int count() const { return count_; }

 private:
  std::atomic<int> count_ = 0;
};

// What a server that starts has: a pool of its own.
struct Starting {
  explicit Starting(const std::string& url, testing::FaultInjector* faults = nullptr,
                    pool::PoolMode mode = pool::PoolMode::kAuto)
      : pool({}, MakeFactory(url, mode, faults), &clock, &observer),
        runner(&pool, &clock, &observer) {
    pool.Start();
  }

  std::unique_ptr<pool::ConnectionFactory> MakeFactory(const std::string& url, pool::PoolMode mode,
                                                       testing::FaultInjector* faults) {
    pool::PqxxConnectionFactory::Options options;
    options.url_source = [url] { return url; };
    options.pool_mode = mode;
    std::unique_ptr<pool::ConnectionFactory> factory =
        pool::PqxxConnectionFactory::Create(std::move(options), &clock).value();
    return faults == nullptr ? std::move(factory) : faults->Wrap(std::move(factory));
  }

  absl::StatusOr<int> Apply(const std::vector<Migration>& migrations = EmbeddedMigrations()) {
    return Migrator(&runner, migrations)
        .Apply(clock.Monotonic() + seconds(60), clock.Monotonic() + seconds(60));
  }
  absl::Status Check(const std::vector<Migration>& migrations = EmbeddedMigrations()) {
    return Migrator(&runner, migrations).Check(clock.Monotonic() + seconds(60));
  }

  const RealClock clock;
  UnknownCounter observer;
  pool::ConnectionPool pool;
  const pool::TransactionRunner runner;
};

class MigratorTest : public testing::PostgresTest {
 protected:
  MigratorTest() : url_(postgres().CreateDatabase()), database_(url_) {}

  std::string Applied() {
    return database_.QueryValue(
        "SELECT coalesce(string_agg(version || ' ' || name, ', ' ORDER BY version), '') "
        "FROM schema_migrations");
  }

  const std::string url_;
  testing::SqlConnection database_;
};

const std::vector<Migration>& Two() {
  static const auto* const migrations = new std::vector<Migration>{
      {1, "one", "a1", "CREATE TABLE one (); CREATE INDEX ON one ((1));"},
      {2, "two", "b2", "CREATE TABLE two ();"}};
  return *migrations;
}

TEST_F(MigratorTest, MakesTheSchemaOnce) {
  Starting server(url_);
  EXPECT_EQ(server.Apply().value(), static_cast<int>(EmbeddedMigrations().size()));
  EXPECT_EQ(Applied(), "1 users_sessions_events");
  EXPECT_EQ(database_.QueryValue("SELECT checksum FROM schema_migrations"),
            EmbeddedMigrations()[0].checksum);
  EXPECT_EQ(database_.QueryValue("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class "
                                 "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"),
            "events schema_migrations sessions users");
  EXPECT_EQ(server.Apply().value(), 0);
  EXPECT_THAT(server.Check(), IsOk());
}

TEST_F(MigratorTest, ADatabaseThatIsUpToDateIsOnlyRead) {
  Starting server(url_);
  ASSERT_THAT(server.Apply(), IsOk());
  database_.Execute("ALTER DATABASE " + database_.QueryValue("SELECT current_database()") +
                    " SET default_transaction_read_only = on");
  Starting read_only(url_);
  EXPECT_EQ(read_only.Apply().value(), 0);
}

TEST_F(MigratorTest, ADatabaseThatTakesNoWritesIsWaitedFor) {
  const std::string name = database_.QueryValue("SELECT current_database()");
  database_.Execute("ALTER DATABASE " + name + " SET default_transaction_read_only = on");
  const absl::StatusOr<int> standby = Starting(url_).Apply();
  EXPECT_THAT(standby, testing::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(standby.status().message()), HasSubstr("takes no writes"));
  database_.Execute("ALTER DATABASE " + name + " RESET default_transaction_read_only");
  EXPECT_THAT(Starting(url_).Apply(), IsOk());
}

TEST_F(MigratorTest, AppliesOnlyWhatIsMissing) {
  Starting server(url_);
  EXPECT_EQ(server.Apply({Two()[0]}).value(), 1);
  EXPECT_EQ(server.Apply(Two()).value(), 1);
  EXPECT_EQ(Applied(), "1 one, 2 two");
}

TEST_F(MigratorTest, EightAtOnceOnAnEmptyDatabaseAllSucceed) {
  constexpr int kServers = 8;
  // Slower than the lock_timeout and the statement_timeout of a connection, were they in force.
  const std::string url =
      url_ + "?options=-c%20lock_timeout%3D50ms%20-c%20statement_timeout%3D100ms";
  // A snapshot taken before the lock would not see what the first of them has done.
  database_.Execute("ALTER DATABASE " + database_.QueryValue("SELECT current_database()") +
                    " SET default_transaction_isolation = 'repeatable read'");
  std::vector<Migration> migrations = Two();
  migrations[0].sql += "SELECT pg_sleep(0.3);";
  std::vector<absl::StatusOr<int>> applied(kServers, absl::UnknownError("did not run"));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kServers; ++i) {
    threads.emplace_back([&, i] { applied[i] = Starting(url).Apply(migrations); });
  }
  for (std::thread& thread : threads) thread.join();
  int total = 0;
  for (const absl::StatusOr<int>& count : applied) {
    EXPECT_THAT(count, IsOk());
    total += count.value_or(0);
  }
  EXPECT_EQ(total, 2);
  EXPECT_EQ(Applied(), "1 one, 2 two");
}

TEST_F(MigratorTest, WorksWithoutAnythingOfASession) {
  Starting server(url_, nullptr, pool::PoolMode::kTransaction);
  EXPECT_EQ(server.Apply().value(), static_cast<int>(EmbeddedMigrations().size()));
  EXPECT_EQ(database_.QueryValue("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0");
}

TEST_F(MigratorTest, AFailureLeavesWhatWasBefore) {
  std::vector<Migration> migrations = Two();
  migrations[1].sql = "CREATE TABLE two (); SELECT 1 / 0;";
  Starting server(url_);
  const absl::StatusOr<int> applied = server.Apply(migrations);
  EXPECT_THAT(std::string(applied.status().message()),
              ::testing::AllOf(HasSubstr("migration 2 (two): "), HasSubstr("division by zero")));
  const auto error = pool::GetSqlError(applied.status());
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->sqlstate, "22012");
  EXPECT_EQ(database_.QueryValue("SELECT to_regclass('two') IS NULL"), "t");
  EXPECT_EQ(Applied(), "1 one");
  EXPECT_EQ(server.Apply(Two()).value(), 1);
}

TEST_F(MigratorTest, ALossBeforeTheCommitIsNoMatter) {
  testing::FaultInjector faults;
  Starting server(url_, &faults);
  faults.LoseAnswer("insert_schema_migration");
  EXPECT_EQ(server.Apply(Two()).value(), 2);
  EXPECT_EQ(Applied(), "1 one, 2 two");
}

TEST_F(MigratorTest, ALostCommitIsNoMatter) {
  PostgresGate gate(postgres().port());
  Starting server(gate.tcp().Through(url_));
  for (const Fault fault : {Fault::kCutBefore, Fault::kCutAfter, Fault::kLoseReply}) {
    database_.Execute("DROP TABLE IF EXISTS schema_migrations, one, two");
    gate.Add({.request = "COMMIT", .fault = fault, .times = 2});
    EXPECT_EQ(server.Apply(Two()).value(), 2);
    EXPECT_EQ(Applied(), "1 one, 2 two");
    EXPECT_EQ(gate.done(fault), 2);
  }
  EXPECT_EQ(server.observer.count(), 0) << "the replay tells";
}

// A COMMIT never arrives, and its replay steps back from a table that somebody has begun to use.
TEST_F(MigratorTest, WhatIsNotKnownToBeDoneIsLookedAtAgain) {
  PostgresGate gate(postgres().port());
  testing::FaultInjector faults;
  Starting server(gate.tcp().Through(url_), &faults);
  ASSERT_EQ(server.Apply({Two()[0]}).value(), 1);
  std::vector<Migration> migrations = Two();
  migrations[1].sql = "ALTER TABLE one ADD COLUMN more text;";

  testing::SqlConnection reader(url_);
  std::future<void> reading;
  faults.AfterEach("insert_schema_migration", [&] {
    if (reading.valid()) return;  // only the first time
    // The migration has the table locked, and its COMMIT comes next: the reader is first in the
    // queue behind it.
    reading = std::async(std::launch::async, [&] { reader.Execute("BEGIN; SELECT FROM one"); });
    EXPECT_TRUE(testing::Eventually([&] {
      return database_.QueryValue(
                 "SELECT count(*) FROM pg_locks WHERE NOT granted AND "
                 "relation = 'one'::regclass") == "1";
    }));
  });
  gate.Add({.request = "COMMIT", .fault = Fault::kCutBefore});
  auto applying = std::async(std::launch::async, [&] { return server.Apply(migrations); });
  EXPECT_TRUE(testing::Eventually([&] { return server.observer.count() == 1; }));
  reading.wait();
  EXPECT_EQ(Applied(), "1 one") << "the COMMIT that was lost";
  reader.Execute("COMMIT");
  EXPECT_EQ(applying.get().value(), 1);
  EXPECT_EQ(Applied(), "1 one, 2 two");
  EXPECT_EQ(database_.QueryValue("SELECT count(more) FROM one"), "0");
}

// So that the version before can go on, start again, and be returned to.
TEST_F(MigratorTest, WorksWithWhatANewerVersionDeclaresCompatible) {
  Starting server(url_);
  ASSERT_THAT(server.Apply(Two()), IsOk());
  const std::vector<Migration> older = {Two()[0]};
  EXPECT_EQ(server.Apply(older).value(), 0);
  EXPECT_THAT(server.Check(older), IsOk());
  EXPECT_EQ(Applied(), "1 one, 2 two");
}

TEST_F(MigratorTest, RefusesADatabaseForWhichItIsTooOld) {
  Starting server(url_);
  std::vector<Migration> newer = Two();
  newer[1].compatible_since = 2;
  ASSERT_THAT(server.Apply(newer), IsOk());
  const std::vector<Migration> older = {newer[0]};
  for (const absl::Status& status : {server.Apply(older).status(), server.Check(older)}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_EQ(status.message(),
              "the database has migration 2 (two), with which only programs work that know "
              "migration 2; this one knows 1: start a newer version of it");
  }
}

TEST_F(MigratorTest, WhoLacksNothingDoesNotWaitForAMigration) {
  Starting server(url_);
  ASSERT_EQ(server.Apply({Two()[0]}).value(), 1);
  std::vector<Migration> migrations = Two();
  migrations[1].sql = "SELECT pg_advisory_xact_lock(1);";
  database_.Execute("SELECT pg_advisory_lock(1)");
  std::thread migrating([&] { EXPECT_EQ(server.Apply(migrations).value(), 1); });
  testing::SqlConnection watch(url_);
  EXPECT_TRUE(testing::Eventually([&] {
    return watch.QueryValue("SELECT count(*) FROM pg_locks WHERE NOT granted AND objid = 1") == "1";
  }));
  Starting other(url_);
  EXPECT_EQ(other.Apply({Two()[0]}).value(), 0);
  EXPECT_THAT(other.Check({Two()[0]}), IsOk());
  EXPECT_EQ(Applied(), "1 one") << "while the other is still at it";
  database_.Execute("SELECT pg_advisory_unlock(1)");
  migrating.join();
  EXPECT_EQ(Applied(), "1 one, 2 two");
}

// Whoever comes after a statement that waits for a table waits behind it.
TEST_F(MigratorTest, StepsBackFromATableInUse) {
  Starting server(url_);
  ASSERT_EQ(server.Apply({Two()[0]}).value(), 1);
  database_.Execute("BEGIN; SELECT FROM one");
  std::vector<Migration> migrations = Two();
  migrations[1].sql = "ALTER TABLE one ADD COLUMN more text;";
  std::thread migrating([&] { EXPECT_EQ(server.Apply(migrations).value(), 1); });
  testing::SqlConnection reader(url_);
  int blocked = 0;  // how often it was seen to wait
  int read = 0;     // reads after that, while the first transaction goes on
  EXPECT_TRUE(testing::Eventually([&] {
    const bool waits = reader.QueryValue(
                           "SELECT count(*) FROM pg_locks WHERE NOT granted AND "
                           "relation = 'one'::regclass") != "0";
    blocked += waits ? 1 : 0;
    // Thrice what is promised: a slow machine is no fault.
    reader.Execute("SET lock_timeout = 300; SELECT FROM one");
    read += blocked > 0 ? 1 : 0;
    return blocked > 0 && read >= 20;
  }));
  database_.Execute("COMMIT");
  migrating.join();
  EXPECT_EQ(Applied(), "1 one, 2 two");
}

TEST_F(MigratorTest, RefusesADatabaseOfAnotherText) {
  Starting server(url_);
  ASSERT_THAT(server.Apply(Two()), IsOk());
  std::vector<Migration> other = Two();
  other[1].checksum = "c3";
  other.push_back({3, "three", "d4", "CREATE TABLE three ();"});
  for (const absl::Status& status : {server.Apply(other).status(), server.Check(other)}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("migration 2 (two) is not this program's"));
  }
  EXPECT_EQ(Applied(), "1 one, 2 two");
}

TEST_F(MigratorTest, CheckNamesWhatIsMissingAndChangesNothing) {
  Starting server(url_);
  EXPECT_EQ(server.Check(Two()).message(),
            "the database lacks migration 1 (one), 2 (two): start once with --migrate only, as a "
            "database role that may create tables");
  EXPECT_EQ(database_.QueryValue("SELECT to_regclass('schema_migrations') IS NULL"), "t");
  ASSERT_THAT(server.Apply({Two()[0]}), IsOk());
  EXPECT_THAT(std::string(server.Check(Two()).message()), HasSubstr("lacks migration 2 (two):"));
}

TEST_F(MigratorTest, WaitsForAnotherNoLongerThanTheDeadline) {
  Starting first(url_);
  ASSERT_THAT(first.Apply({Two()[0]}), IsOk());
  // Somebody else is at it.
  database_.Execute("BEGIN; SELECT pg_advisory_xact_lock(4702111234474983745)");
  const MonotonicTime begin = first.clock.Monotonic();
  const absl::StatusOr<int> applied =
      Migrator(&first.runner, Two()).Apply(begin + seconds(30), begin + milliseconds(300));
  EXPECT_THAT(applied, StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_LT(first.clock.Monotonic() - begin, seconds(3));
  database_.Execute("ROLLBACK");
  EXPECT_EQ(first.Apply(Two()).value(), 1);
}

}  // namespace
}  // namespace auth::store
