#include "tests/support/sql_connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <cstring>
#include <stdexcept>
#include <utility>

namespace auth::testing {
namespace {

struct ResultCloser {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ResultCloser>;

bool HungUp(PGconn* connection) {
  pollfd socket{PQsocket(connection), POLLIN | POLLRDHUP, 0};
  return poll(&socket, 1, 0) > 0 && (socket.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

// pg_terminate_backend is not at once: the socket may look healthy and end in the next moment. A
// session that is killed while it runs a statement says something else.
bool KilledWhileIdle(PGconn* connection) {
  return PQstatus(connection) == CONNECTION_BAD &&
         std::strstr(PQerrorMessage(connection), "FATAL:  terminating connection") != nullptr;
}

}  // namespace

SqlConnection::SqlConnection(std::string url) : url_(std::move(url)) {}
SqlConnection::~SqlConnection() = default;

void SqlConnection::Closer::operator()(pg_conn* connection) const { PQfinish(connection); }

void SqlConnection::EnsureConnected() {
  if (connection_ && PQstatus(connection_.get()) == CONNECTION_OK && !HungUp(connection_.get())) {
    return;
  }
  connection_.reset(PQconnectdb(url_.c_str()));
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  }
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
}

std::vector<SqlConnection::Row> SqlConnection::Query(const std::string& sql,
                                                     const std::vector<std::string>& params) {
  std::vector<const char*> values;
  for (const std::string& param : params) values.push_back(param.c_str());

  const auto run = [&](PGconn* connection) {
    // Only without parameters may there be several statements.
    return Result(params.empty()
                      ? PQexec(connection, sql.c_str())
                      : PQexecParams(connection, sql.c_str(), static_cast<int>(values.size()),
                                     nullptr, values.data(), nullptr, nullptr,
                                     /*resultFormat=*/0));
  };

  MutexLock lock(&mutex_);
  EnsureConnected();
  const bool idle = PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
  Result result = run(connection_.get());
  if (idle && KilledWhileIdle(connection_.get())) {
    EnsureConnected();
    result = run(connection_.get());
  }
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  }
  std::vector<Row> rows;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    Row& fields = rows.emplace_back();
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      if (PQgetisnull(result.get(), row, column)) {
        fields.emplace_back(std::nullopt);
      } else {
        fields.emplace_back(PQgetvalue(result.get(), row, column));
      }
    }
  }
  return rows;
}

void SqlConnection::Execute(const std::string& sql, const std::vector<std::string>& params) {
  Query(sql, params);
}

std::string SqlConnection::QueryValue(const std::string& sql,
                                      const std::vector<std::string>& params) {
  const std::vector<Row> rows = Query(sql, params);
  if (rows.size() != 1 || rows[0].size() != 1 || !rows[0][0]) {
    throw std::runtime_error("not one value: " + sql);
  }
  return *rows[0][0];
}

}  // namespace auth::testing
