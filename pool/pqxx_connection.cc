#include "pool/pqxx_connection.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pool/driver_message.h"
#include "pool/labelled_statement.h"
#include "pool/pqxx_session.h"

namespace auth::pool {
namespace {

// Throws as libpqxx does if libpq's `result` is an error, or none at all: a loss.
void ThrowIfError(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      return;
    default:
      break;
  }
  const char* const sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (sqlstate == nullptr) throw pqxx::broken_connection();  // not the server's words
  throw pqxx::sql_error(PQresultErrorMessage(result), /*query=*/"", sqlstate);
}

QueryResult ToQueryResult(const pqxx::result& result) {
  QueryResult converted;
  converted.affected_rows = static_cast<int64_t>(result.affected_rows());
  converted.rows.reserve(static_cast<size_t>(result.size()));
  for (const auto& row : result) {
    Row& values = converted.rows.emplace_back();
    values.reserve(static_cast<size_t>(row.size()));
    for (const auto& field : row) {
      values.push_back(field.is_null() ? Value()
                                       : Value(std::in_place, field.c_str(), field.size()));
    }
  }
  return converted;
}

absl::Status NulRefused(const Statement& statement) {
  return MakeSqlStatus(SqlError{SqlFault::kPermanent, "22021", ""},
                       absl::StrCat(statement.name, ": a text value contains a NUL byte"));
}

bool HasNul(const Params& params) {
  return std::any_of(params.begin(), params.end(), [](const Value& value) {
    return value.has_value() && value->find('\0') != std::string::npos;
  });
}

}  // namespace

class PqxxConnection::Socket {
 public:
  explicit Socket(int driver_socket) : fd_(fcntl(driver_socket, F_DUPFD_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }

 private:
  const int fd_;
};

struct PqxxConnection::Session final : PqxxSession {
  using PqxxSession::PqxxSession;
};

absl::StatusOr<std::unique_ptr<PqxxConnection>> PqxxConnection::Adopt(PgConn connection,
                                                                      Options options,
                                                                      DeadlineWatchdog* watchdog,
                                                                      const Clock* clock) {
  auto socket = std::make_unique<Socket>(PQsocket(connection.get()));
  if (socket->fd() < 0) {
    return MakeSqlStatus(SqlFault::kLost,
                         "no file descriptor left for a connection: raise the limit (ulimit -n)");
  }
  PGconn* const raw = connection.get();
  PQsetErrorVerbosity(raw, PQERRORS_VERBOSE);  // SQLSTATE and constraint, see driver_message.h
  try {
    auto session = std::make_unique<Session>(raw);
    // A notice, or the server's last words to a session it ends, would go to stderr.
    PQsetNoticeProcessor(
        raw, [](void*, const char*) {}, nullptr);
    (void)connection.release();  // the session's now
    return std::unique_ptr<PqxxConnection>(
        new PqxxConnection(std::move(session), raw, std::move(socket), options, watchdog, clock));
  } catch (const std::exception& error) {
    return MakeSqlStatus(SqlFault::kLost, Summary(error.what()));
  }
}

PqxxConnection::PqxxConnection(std::unique_ptr<Session> session, pg_conn* raw,
                               std::unique_ptr<Socket> socket, Options options,
                               DeadlineWatchdog* watchdog, const Clock* clock)
    : socket_(std::move(socket)),
      session_(std::move(session)),
      raw_(raw),
      options_(options),
      watchdog_(watchdog),
      clock_(clock) {}

PqxxConnection::~PqxxConnection() = default;

SocketState PqxxConnection::Peek() noexcept {
  pollfd poller = {socket_->fd(), POLLIN | POLLRDHUP, 0};
  if (poll(&poller, 1, 0) <= 0) return SocketState::kQuiet;
  if ((poller.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0) return SocketState::kDead;
  return SocketState::kReadable;
}

void PqxxConnection::Cut() noexcept { shutdown(socket_->fd(), SHUT_RDWR); }

bool PqxxConnection::broken() const { return PQstatus(raw_) != CONNECTION_OK; }

absl::Status PqxxConnection::Failure(bool cut, SqlError error, const std::string& message) const {
  if (!broken() && error.fault != SqlFault::kLost) return MakeSqlStatus(error, Summary(message));
  if (cut) return MakeSqlStatus(SqlFault::kDeadline, "cut at the deadline");
  // libpqxx 6 says "Could not obtain client encoding" for any loss; libpq has the server's words.
  const std::string last_words = PQerrorMessage(raw_);
  error.fault = SqlFault::kLost;
  if (error.sqlstate.empty()) error.sqlstate = SqlStateIn(last_words);
  return MakeSqlStatus(error, Summary(last_words.empty() ? message : last_words));
}

template <typename Call>
absl::Status PqxxConnection::Guarded(MonotonicTime deadline, Call call) {
  if (clock_->Monotonic() >= deadline) {
    return MakeSqlStatus(SqlFault::kDeadline, "the deadline passed before sending");
  }
  DeadlineWatchdog::Guard guard(watchdog_, socket_->fd(), deadline);
  try {
    call();
    return absl::OkStatus();
  } catch (const pqxx::sql_error& error) {
    SqlError sql_error;
    sql_error.sqlstate = error.sqlstate();
    sql_error.fault = ClassifySqlState(sql_error.sqlstate);
    sql_error.constraint = ConstraintIn(error.what(), sql_error.sqlstate);
    return Failure(guard.Disarm(), std::move(sql_error), error.what());
  } catch (const std::logic_error& error) {
    return Failure(guard.Disarm(), SqlError{SqlFault::kPermanent, "", ""}, error.what());
  } catch (const std::exception& error) {
    Cut();  // whatever it is, nobody knows what the session has read: out of memory, for one
    return Failure(guard.Disarm(), SqlError{SqlFault::kLost, "", ""}, error.what());
  }
}

bool PqxxConnection::EnsurePrepared(const Statement& statement) {
  if (!options_.prepare_statements) return false;
  if (prepared_.find(std::string_view(statement.name)) == prepared_.end()) {
    Prepare(*session_, statement);
    prepared_.insert(statement.name);
  }
  return true;
}

template <typename Call>
absl::StatusOr<QueryResult> PqxxConnection::RunStatement(MonotonicTime deadline,
                                                         const Statement& statement,
                                                         const Params& params, Call call) {
  if (HasNul(params)) return NulRefused(statement);
  QueryResult answer;
  const absl::Status status = Guarded(deadline, [&] { answer = call(EnsurePrepared(statement)); });
  if (!status.ok()) return status;
  return answer;
}

absl::StatusOr<QueryResult> PqxxConnection::Execute(MonotonicTime deadline,
                                                    const Statement& statement,
                                                    const Params& params) {
  return RunStatement(deadline, statement, params, [&](bool prepared) {
    return ToQueryResult(prepared ? ExecutePrepared(*session_, statement.name, params)
                                  : ExecuteUnnamed(*session_, statement.sql, params));
  });
}

absl::StatusOr<QueryResult> PqxxConnection::ExecuteLabelled(MonotonicTime deadline,
                                                            const std::string& label,
                                                            const Statement& statement,
                                                            const Params& params) {
  return RunStatement(deadline, statement, params, [&](bool prepared) {
    const PgResult result = RunLabelled(raw_, label, statement, prepared, params);
    ThrowIfError(result.get());
    return ToQueryResult(result.get());
  });
}

absl::StatusOr<std::string> PqxxConnection::Command(MonotonicTime deadline, const char* sql) {
  std::string tag;
  const absl::Status status = Guarded(deadline, [&] {
    const PgResult result(PQexec(raw_, sql));
    ThrowIfError(result.get());
    tag = PQcmdStatus(result.get());
  });
  if (!status.ok()) return status;
  return tag;
}

absl::Status PqxxConnection::Ping(MonotonicTime deadline) {
  return Command(deadline, "SELECT 1").status();
}

absl::Status PqxxConnection::ExecuteScript(MonotonicTime deadline, const std::string& sql) {
  return Command(deadline, sql.c_str()).status();
}

absl::Status PqxxConnection::Begin(MonotonicTime deadline) {
  // Whatever default_transaction_isolation says: a replay must see what its original committed.
  return Command(deadline, "BEGIN ISOLATION LEVEL READ COMMITTED").status();
}

absl::Status PqxxConnection::Commit(MonotonicTime deadline) {
  const absl::StatusOr<std::string> tag = Command(deadline, "COMMIT");
  if (!tag.ok()) return tag.status();
  if (*tag == "COMMIT") return absl::OkStatus();
  return MakeSqlStatus(SqlFault::kSerialization,
                       absl::StrCat("a failed transaction: COMMIT was answered with ", *tag));
}

absl::Status PqxxConnection::Rollback(MonotonicTime deadline) {
  return Command(deadline, "ROLLBACK").status();
}

WallTime PqxxConnection::DatabaseTime(MonotonicTime moment) const {
  // MonotonicTime::max() stands for "no deadline" and must not overflow into the past.
  constexpr Duration kFarAway = std::chrono::hours(24 * 365);
  const Duration elapsed = std::min<Duration>(moment - database_time_read_at_, kFarAway);
  return database_time_ + std::chrono::duration_cast<WallTime::duration>(elapsed);
}

absl::Status PqxxConnection::RefreshDatabaseTime(MonotonicTime deadline) {
  int64_t microseconds = 0;
  absl::Status status = Guarded(deadline, [&] {
    const pqxx::result result = ExecuteUnnamed(
        *session_, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", {});
    if (!absl::SimpleAtoi(result[0][0].c_str(), &microseconds)) {
      throw std::logic_error("the database's clock is unreadable");
    }
  });
  if (!status.ok()) return status;
  // The moment after the answer: by what that took on its way DatabaseTime lags behind the true
  // clock. It must never run ahead, or a write would be stored after its deadline.
  database_time_read_at_ = clock_->Monotonic();
  database_time_ = WallTime(std::chrono::microseconds(microseconds));
  return absl::OkStatus();
}

}  // namespace auth::pool
