// The schema is expanded, filled and contracted under load, while versions of the server that know
// more and less of it run side by side: what server/store/migrations/README.md tells to do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/eventually.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/client_load.h"
#include "tests/support/server/deployment.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/sql_connection.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr int kOldUsers = 20'000;
constexpr int kBatch = 1'000;

class SchemaChange : public ::testing::Test {
 protected:
  SchemaChange() {
    ServerRun made = RunAuthServer({"--database-url=" + url_, "--migrate=only"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    database_.Execute(absl::StrCat(
        "INSERT INTO users (id, email, email_key, password_hash, created_at, updated_at) "
        "SELECT gen_random_uuid(), n || '@old.example', n || '@old.example', 'none', now(), now() "
        "FROM generate_series(1, ",
        kOldUsers, ") n"));
    history_.IgnoreExisting(database_);
  }

  // PostgreSQL itself logs who waits for a lock for 200 ms or longer; starting servers may wait for
  // each other's migrations.
  int LongLockWaits() {
    int waits = 0;
    const std::string log = postgres_.QueryValue("SELECT pg_read_file(pg_current_logfile())");
    for (const std::string& line : std::vector<std::string>(absl::StrSplit(log, '\n'))) {
      const bool waited = line.find("still waiting for") != std::string::npos;
      waits += waited && line.find("advisory lock") == std::string::npos ? 1 : 0;
    }
    return waits;
  }

  // What a script of the rollout would do: old rows get the new value, a batch at a time.
  int Fill() {
    int batches = 0;
    while (!database_
                .Query(absl::StrCat("UPDATE users SET locale = 'en' WHERE id IN (SELECT id FROM "
                                    "users WHERE locale IS NULL ORDER BY id LIMIT ",
                                    kBatch, ") RETURNING 1"))
                .empty()) {
      ++batches;
    }
    return batches;
  }

  TestPostgres postgres_{
      {{"logging_collector", "on"}, {"log_lock_waits", "on"}, {"deadlock_timeout", "200ms"}}};
  const std::string url_ = postgres_.CreateDatabase();
  SqlConnection database_{url_};
  const std::vector<std::string> flags_ = WithCheapHashing({"--database-url=" + url_});
  const Deployment::Revision old_{flags_, AuthServerProcess::Program()};
  const Deployment::Revision expanding_{flags_, AUTH_SERVER_EXPANDING};
  const Deployment::Revision contracting_{flags_, AUTH_SERVER_CONTRACTING};
  History history_;
};

TEST_F(SchemaChange, NobodyNoticesExpandingFillingAndContracting) {
  Deployment deployment(3, old_);
  ClientLoad load({.channel = {.target = deployment.target(), .allow_plaintext = true}}, "schema",
                  &history_);
  database_.Execute("CREATE INDEX CONCURRENTLY users_by_created_at ON users (created_at)");

  // The first of the new version cannot have the table, because somebody reads it all the while.
  SqlConnection report(url_);
  report.Execute("BEGIN; SELECT count(*) FROM users");
  std::jthread reporting([&] {
    LetPass(seconds(2));
    report.Execute("COMMIT");
  });
  deployment.ReplaceOldest(expanding_);
  reporting.join();
  EXPECT_EQ(database_.QueryValue("SELECT max(version) FROM schema_migrations"), "3");
  // The old version goes on, starts again, and is returned to.
  deployment.Roll(old_);
  deployment.Roll(expanding_);
  EXPECT_GE(Fill(), kOldUsers / kBatch);
  deployment.Roll(contracting_);
  EXPECT_EQ(database_.QueryValue("SELECT max(version) FROM schema_migrations"), "4");

  load.Stop();
  std::printf("%ld calls OK, %ld failed, the slowest took %ld ms; %d lock waits of 200 ms\n",
              load.ok(), load.failed(), load.slowest().count(), LongLockWaits());
  EXPECT_EQ(load.failed(), 0) << load.failures();
  EXPECT_EQ(LongLockWaits(), 0);
  const ServerRun too_old = RunAuthServer(
      {"--database-url=" + url_, "--http-listen=", "--listen=127.0.0.1:0", "--ops-listen="});
  EXPECT_EQ(too_old.exit_code, 2);
  EXPECT_THAT(too_old.err, HasSubstr("start a newer version"));
  ExpectServiceRestored(deployment.address(), url_, &history_, seconds(5));
}

// That the log would tell.
TEST_F(SchemaChange, AWaitForALockIsSeenInTheLog) {
  database_.Execute("BEGIN; LOCK TABLE users");
  SqlConnection reader(url_);
  std::jthread reading([&] { reader.Execute("SELECT FROM users LIMIT 1"); });
  EXPECT_TRUE(Eventually([&] { return LongLockWaits() == 1; }));
  database_.Execute("ROLLBACK");
  reading.join();
}

}  // namespace
}  // namespace auth::testing
