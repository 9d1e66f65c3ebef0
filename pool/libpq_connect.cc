#include "pool/libpq_connect.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pool/driver_message.h"
#include "pool/sql_error.h"

namespace auth::pool {
namespace {

// libpq's own refusals have no SQLSTATE; these are the ones that no retry cures. Its texts are
// English unless the program calls setlocale, which this one does not.
bool IsRefusedByLibpq(std::string_view text) {
  if (text.starts_with("invalid ")) return true;
  // What it says comes after the name of the server, which may be any word.
  constexpr std::string_view kFailed = " failed: ";
  const size_t failed = text.rfind(kFailed);
  if (failed == std::string_view::npos) return false;
  const std::string_view reason = text.substr(failed + kFailed.size());
  for (const char* sign : {"certificate", "SSL was required", "channel binding", "private key",
                           "no password supplied"}) {
    if (reason.find(sign) != std::string_view::npos) return true;
  }
  return false;
}

absl::Status ConnectError(PGconn* connection) {
  const std::string_view text = PQerrorMessage(connection);
  SqlError error;
  error.sqlstate = SqlStateIn(text);
  error.fault = ClassifyFailedConnect(error.sqlstate, text);
  if (error.sqlstate.empty() && (PQconnectionNeedsPassword(connection) || IsRefusedByLibpq(text))) {
    error.fault = SqlFault::kConfiguration;
  }
  return MakeSqlStatus(error, Summary(text));
}

// The rest of the wait in milliseconds for poll(2), rounded up so as not to spin.
int PollTimeout(MonotonicTime deadline, const Clock* clock) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - clock->Monotonic()).count();
  constexpr decltype(left) kMinute = 60'000;  // poll(2) counts in int; the caller's loop goes on
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, kMinute));
}

enum class Wait { kReady, kDeadline, kCancelled };

Wait WaitForSocket(int socket, bool reading, MonotonicTime deadline, int cancel_fd,
                   const Clock* clock) {
  for (;;) {
    pollfd fds[] = {{socket, static_cast<short>(reading ? POLLIN : POLLOUT), 0},
                    {cancel_fd, POLLIN, 0}};
    const int ready = poll(fds, 2, PollTimeout(deadline, clock));
    if (fds[1].revents != 0) return Wait::kCancelled;
    if (ready > 0) return Wait::kReady;
    if (ready < 0 && errno != EINTR) return Wait::kReady;  // libpq will say what is wrong
    if (clock->Monotonic() >= deadline) return Wait::kDeadline;
  }
}

PgConn StartConnect(const Conninfo& conninfo) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : conninfo.parameters()) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  return PgConn(PQconnectStartParams(keywords.data(), values.data(), /*expand_dbname=*/0));
}

}  // namespace

void PgConnDeleter::operator()(pg_conn* connection) const noexcept { PQfinish(connection); }

absl::StatusOr<PgConn> ConnectLibpq(const Conninfo& conninfo, const ConnectDeadlines& deadlines,
                                    int cancel_fd, const Clock* clock, ConnectDepth depth) {
  PgConn connection = StartConnect(conninfo);
  if (connection == nullptr) {
    return MakeSqlStatus(SqlFault::kLost, "out of memory while connecting");
  }
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);  // the SQLSTATE of a refusal
  if (PQstatus(connection.get()) == CONNECTION_BAD) return ConnectError(connection.get());

  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) return ConnectError(connection.get());
    const bool reached = PQstatus(connection.get()) != CONNECTION_STARTED;
    if (reached && depth == ConnectDepth::kListener) return connection;
    const MonotonicTime deadline = reached ? deadlines.complete : deadlines.reached;
    switch (WaitForSocket(PQsocket(connection.get()), state == PGRES_POLLING_READING, deadline,
                          cancel_fd, clock)) {
      case Wait::kReady:
        break;
      case Wait::kDeadline:
        return MakeSqlStatus(SqlFault::kLost,
                             absl::StrCat("no answer from ", conninfo.Address(), " in time"));
      case Wait::kCancelled:
        return MakeSqlStatus(SqlFault::kLost, "connecting was cancelled");
    }
    state = PQconnectPoll(connection.get());
  }
  return connection;
}

}  // namespace auth::pool
