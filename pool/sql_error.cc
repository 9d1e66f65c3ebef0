#include "pool/sql_error.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace auth::pool {
namespace {

constexpr char kPayloadUrl[] = "auth.pool/SqlError";
// Neither an SQLSTATE nor a fault's number contains it; the constraint's name comes last.
constexpr char kSeparator = '|';

absl::StatusCode CodeOf(SqlFault fault) {
  switch (fault) {
    case SqlFault::kLost:
    case SqlFault::kServerFull:
    case SqlFault::kReadOnlyServer:
    case SqlFault::kSerialization:
    case SqlFault::kStaleStatement:
    case SqlFault::kLockTimeout:
    case SqlFault::kResources:
    case SqlFault::kCanceled:
      return absl::StatusCode::kUnavailable;
    case SqlFault::kDeadline:
      return absl::StatusCode::kDeadlineExceeded;
    case SqlFault::kConfiguration:
      return absl::StatusCode::kFailedPrecondition;
    case SqlFault::kPermanent:
      return absl::StatusCode::kInternal;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

SqlFault ClassifySqlState(std::string_view sqlstate) {
  struct Rule {
    std::string_view prefix;
    SqlFault fault;
  };
  // The first match wins: single codes stand before their class.
  static constexpr Rule kRules[] = {
      {"08", SqlFault::kLost},     // connection exceptions; 08P01: a pooler lost its server
      {"57P", SqlFault::kLost},    // shutdown, crash, starting up, dropped, idle session
      {"25P03", SqlFault::kLost},  // idle-in-transaction timeout
      {"25P04", SqlFault::kLost},  // transaction timeout: ends the session as well
      {"53300", SqlFault::kServerFull},
      {"53", SqlFault::kResources},
      {"28", SqlFault::kConfiguration},  // no such role, wrong password, no pg_hba.conf entry
      {"3D000", SqlFault::kConfiguration},
      {"25006", SqlFault::kReadOnlyServer},
      {"40001", SqlFault::kSerialization},
      {"40003", SqlFault::kLost},  // statement_completion_unknown: distributed engines, in doubt
      {"40P01", SqlFault::kSerialization},
      {"26000", SqlFault::kStaleStatement},
      {"42P05", SqlFault::kStaleStatement},
      {"0A000", SqlFault::kStaleStatement},  // "cached plan must not change result type"
      {"55P03", SqlFault::kLockTimeout},
      {"57014", SqlFault::kCanceled},
  };
  if (sqlstate.empty()) return SqlFault::kLost;
  for (const Rule& rule : kRules) {
    if (sqlstate.substr(0, rule.prefix.size()) == rule.prefix) return rule.fault;
  }
  return SqlFault::kPermanent;
}

SqlFault ClassifyFailedConnect(std::string_view sqlstate, std::string_view message) {
  // PgBouncer has one SQLSTATE for all that it refuses.
  const auto says = [message](std::string_view words) {
    return message.find(words) != std::string_view::npos;
  };
  if (sqlstate == "08P01" && (says("max_client_conn") || says("client connections exceeded"))) {
    return SqlFault::kServerFull;
  }
  const SqlFault fault = ClassifySqlState(sqlstate);
  switch (fault) {
    case SqlFault::kServerFull:
    case SqlFault::kConfiguration:
    case SqlFault::kReadOnlyServer:
    case SqlFault::kResources:
      return fault;
    default:
      break;
  }
  // A start-up option the server does not know (42704, 22023) or a missing CONNECT privilege
  // (42501) is for somebody to mend; anything else unclear may pass.
  const std::string_view sql_class = sqlstate.substr(0, 2);
  return sql_class == "22" || sql_class == "42" ? SqlFault::kConfiguration : SqlFault::kLost;
}

bool IsIdleClose(std::string_view sqlstate) { return sqlstate == "57P05" || sqlstate == "25P03"; }

bool IsRefusedSession(SqlFault fault) {
  return fault == SqlFault::kServerFull || fault == SqlFault::kConfiguration;
}

std::string_view SqlFaultName(SqlFault fault) {
  switch (fault) {
    case SqlFault::kLost:
      return "lost";
    case SqlFault::kServerFull:
      return "server_full";
    case SqlFault::kConfiguration:
      return "configuration";
    case SqlFault::kReadOnlyServer:
      return "read_only_server";
    case SqlFault::kSerialization:
      return "serialization";
    case SqlFault::kStaleStatement:
      return "stale_statement";
    case SqlFault::kLockTimeout:
      return "lock_timeout";
    case SqlFault::kResources:
      return "resources";
    case SqlFault::kCanceled:
      return "canceled";
    case SqlFault::kDeadline:
      return "deadline";
    case SqlFault::kPermanent:
      return "permanent";
  }
  return "permanent";
}

absl::Status MakeSqlStatus(const SqlError& error, std::string_view message) {
  absl::Status status(CodeOf(error.fault), absl::string_view(message.data(), message.size()));
  const char separator[] = {kSeparator, '\0'};
  status.SetPayload(
      kPayloadUrl, absl::Cord(absl::StrCat(static_cast<int>(error.fault), separator, error.sqlstate,
                                           separator, error.constraint)));
  return status;
}

absl::Status MakeSqlStatus(SqlFault fault, std::string_view message) {
  return MakeSqlStatus(SqlError{fault, "", ""}, message);
}

std::optional<SqlError> GetSqlError(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return std::nullopt;
  const std::vector<std::string> fields =
      absl::StrSplit(std::string(*payload), absl::MaxSplits(kSeparator, 2));
  int fault = 0;
  if (fields.size() != 3 || !absl::SimpleAtoi(fields[0], &fault)) return std::nullopt;
  return SqlError{static_cast<SqlFault>(fault), fields[1], fields[2]};
}

SqlError SqlErrorOrLost(const absl::Status& status) {
  return GetSqlError(status).value_or(SqlError{SqlFault::kLost, "", ""});
}

}  // namespace auth::pool
