#include "pool/sql_error.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace auth::pool {
namespace {

struct Case {
  const char* sqlstate;
  SqlFault fault;
  absl::StatusCode code;
};

// What each SQLSTATE means: the table on which all retries rest.
constexpr Case kCases[] = {
    {"", SqlFault::kLost, absl::StatusCode::kUnavailable},
    {"08000", SqlFault::kLost, absl::StatusCode::kUnavailable},
    {"08006", SqlFault::kLost, absl::StatusCode::kUnavailable},
    {"08P01", SqlFault::kLost, absl::StatusCode::kUnavailable},
    {"57P01", SqlFault::kLost, absl::StatusCode::kUnavailable},
    {"57P02", SqlFault::kLost, absl::StatusCode::kUnavailable},
    {"57P03", SqlFault::kLost, absl::StatusCode::kUnavailable},
    {"57P05", SqlFault::kLost, absl::StatusCode::kUnavailable},
    {"25P03", SqlFault::kLost, absl::StatusCode::kUnavailable},
    {"53300", SqlFault::kServerFull, absl::StatusCode::kUnavailable},
    {"53000", SqlFault::kResources, absl::StatusCode::kUnavailable},
    {"53100", SqlFault::kResources, absl::StatusCode::kUnavailable},
    {"53200", SqlFault::kResources, absl::StatusCode::kUnavailable},
    {"53400", SqlFault::kResources, absl::StatusCode::kUnavailable},
    {"28000", SqlFault::kConfiguration, absl::StatusCode::kFailedPrecondition},
    {"28P01", SqlFault::kConfiguration, absl::StatusCode::kFailedPrecondition},
    {"3D000", SqlFault::kConfiguration, absl::StatusCode::kFailedPrecondition},
    {"25006", SqlFault::kReadOnlyServer, absl::StatusCode::kUnavailable},
    {"40001", SqlFault::kSerialization, absl::StatusCode::kUnavailable},
    {"40003", SqlFault::kLost, absl::StatusCode::kUnavailable},
    {"40P01", SqlFault::kSerialization, absl::StatusCode::kUnavailable},
    {"26000", SqlFault::kStaleStatement, absl::StatusCode::kUnavailable},
    {"42P05", SqlFault::kStaleStatement, absl::StatusCode::kUnavailable},
    {"0A000", SqlFault::kStaleStatement, absl::StatusCode::kUnavailable},
    {"55P03", SqlFault::kLockTimeout, absl::StatusCode::kUnavailable},
    {"57014", SqlFault::kCanceled, absl::StatusCode::kUnavailable},
    {"22001", SqlFault::kPermanent, absl::StatusCode::kInternal},
    {"23505", SqlFault::kPermanent, absl::StatusCode::kInternal},
    {"42601", SqlFault::kPermanent, absl::StatusCode::kInternal},
    {"42P01", SqlFault::kPermanent, absl::StatusCode::kInternal},
    {"25P02", SqlFault::kPermanent, absl::StatusCode::kInternal},
    {"XX000", SqlFault::kPermanent, absl::StatusCode::kInternal},
};

TEST(SqlErrorTest, EachSqlStateMeansOneFaultAndOneCode) {
  for (const Case& c : kCases) {
    EXPECT_EQ(ClassifySqlState(c.sqlstate), c.fault) << c.sqlstate;
    const absl::Status status = MakeSqlStatus(SqlError{c.fault, c.sqlstate, ""}, "message");
    EXPECT_EQ(status.code(), c.code) << c.sqlstate;
  }
  EXPECT_EQ(MakeSqlStatus(SqlFault::kDeadline, "message").code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(SqlErrorTest, AFailedConnectMeansMoreOrLessThanItsSqlState) {
  struct Failure {
    const char* sqlstate;
    const char* message;
    SqlFault fault;
  };
  constexpr Failure kFailures[] = {
      // PgBouncer.
      {"08P01", "FATAL:  no more connections allowed (max_client_conn)", SqlFault::kServerFull},
      {"08P01", "FATAL:  client connections exceeded (max_db_client_connections)",
       SqlFault::kServerFull},
      {"08P01", "FATAL:  server login has been failing", SqlFault::kLost},
      {"53300", "FATAL:  sorry, too many clients already", SqlFault::kServerFull},
      {"53200", "FATAL:  out of memory", SqlFault::kResources},
      {"25006", "", SqlFault::kReadOnlyServer},
      {"28P01", "", SqlFault::kConfiguration},
      {"42704", "", SqlFault::kConfiguration},
      {"42501", "", SqlFault::kConfiguration},
      {"22023", "", SqlFault::kConfiguration},
      {"57P03", "", SqlFault::kLost},
      {"XX000", "", SqlFault::kLost},
      {"", "connection refused", SqlFault::kLost},
      {"", "max_client_conn", SqlFault::kLost},
  };
  for (const Failure& failure : kFailures) {
    EXPECT_EQ(ClassifyFailedConnect(failure.sqlstate, failure.message), failure.fault)
        << failure.sqlstate << " " << failure.message;
  }
}

TEST(SqlErrorTest, StatusCarriesTheErrorUnchanged) {
  for (const Case& c : kCases) {
    // A constraint may have any name.
    const SqlError error{c.fault, c.sqlstate, "users|e-mail \"unique\"|ü"};
    const std::optional<SqlError> carried = GetSqlError(MakeSqlStatus(error, "the driver's words"));
    ASSERT_TRUE(carried.has_value());
    EXPECT_EQ(carried->fault, error.fault);
    EXPECT_EQ(carried->sqlstate, error.sqlstate);
    EXPECT_EQ(carried->constraint, error.constraint);
  }
}

TEST(SqlErrorTest, OtherStatusesCarryNone) {
  EXPECT_FALSE(GetSqlError(absl::OkStatus()).has_value());
  EXPECT_FALSE(GetSqlError(absl::UnavailableError("elsewhere")).has_value());
}

TEST(SqlErrorTest, NamesAreDistinct) {
  std::vector<std::string> names;
  for (int fault = 0; fault <= static_cast<int>(SqlFault::kPermanent); ++fault) {
    names.emplace_back(SqlFaultName(static_cast<SqlFault>(fault)));
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace auth::pool
