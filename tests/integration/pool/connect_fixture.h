#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "pool/clock.h"
#include "pool/connection.h"
#include "pool/host_resolver.h"
#include "pool/pqxx_connection_factory.h"
#include "pool/sql_error.h"
#include "tests/support/eventually.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"

namespace auth::pool {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IsOk;
using testing::StatusIs;

// Connections of the real factory to a real PostgreSQL.
class ConnectFixture : public testing::PostgresTest {
 protected:
  MonotonicTime In(Duration time) const { return clock_.Monotonic() + time; }

  std::unique_ptr<PqxxConnectionFactory> MakeFactory(
      const std::string& url, PoolMode mode = PoolMode::kAuto,
      decltype(PqxxConnectionFactory::Options::resolve) resolve = ResolveHost) {
    PqxxConnectionFactory::Options options;
    options.url_source = [url] { return url; };
    options.pool_mode = mode;
    options.resolve = std::move(resolve);
    absl::StatusOr<std::unique_ptr<PqxxConnectionFactory>> factory =
        PqxxConnectionFactory::Create(std::move(options), &clock_);
    EXPECT_THAT(factory, IsOk());
    return factory.ok() ? *std::move(factory) : nullptr;
  }

  // A connection that must come.
  std::unique_ptr<Connection> Connect(PqxxConnectionFactory* factory) {
    absl::StatusOr<std::unique_ptr<Connection>> connection = factory->Connect(In(seconds(10)));
    EXPECT_THAT(connection, IsOk());
    return connection.ok() ? *std::move(connection) : nullptr;
  }

  // A Status whose SqlError must be `fault`, with this SQLSTATE.
  static void ExpectFault(const absl::Status& status, SqlFault fault,
                          const std::string& sqlstate = "") {
    const std::optional<SqlError> error = GetSqlError(status);
    ASSERT_TRUE(error.has_value()) << status;
    EXPECT_EQ(SqlFaultName(error->fault), SqlFaultName(fault)) << status;
    EXPECT_EQ(error->sqlstate, sqlstate) << status;
  }

  // The one value of a query's one row.
  std::string Value(Connection& connection, const char* sql) {
    const absl::StatusOr<QueryResult> result =
        connection.Execute(In(seconds(10)), Statement{sql, sql}, {});
    if (!result.ok() || result->rows.size() != 1) {
      ADD_FAILURE() << sql << ": " << result.status();
      return "";
    }
    return result->rows[0][0].value_or("NULL");
  }

  pid_t BackendPid(Connection& connection) {
    return static_cast<pid_t>(std::stol(Value(connection, "SELECT pg_backend_pid()")));
  }

  void Terminate(pid_t backend) {
    postgres().Execute("SELECT pg_terminate_backend(" + std::to_string(backend) + ")");
  }

  RealClock clock_;
};

}  // namespace auth::pool
