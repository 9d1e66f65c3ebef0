#include "pool/labelled_statement.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace auth::pool {
namespace {

constexpr char kSetName[] = "SELECT set_config('application_name', $1, true)";
constexpr std::size_t kMaxNameLength = 63;  // NAMEDATALEN - 1

std::string LabelledName(PGconn* connection, const std::string& label) {
  const char* reported = PQparameterStatus(connection, "application_name");
  std::string name = reported == nullptr ? "" : reported;
  const std::size_t room = kMaxNameLength - std::min(kMaxNameLength, label.size() + 1);
  if (name.size() > room) name.resize(room);
  return absl::StrCat(name, " ", label);
}

bool Send(PGconn* connection, const char* sql, const char* prepared_name, const Params& params) {
  const std::vector<const char*> values = ToPointers(params);
  const int count = static_cast<int>(values.size());
  const int sent = prepared_name != nullptr
                       ? PQsendQueryPrepared(connection, prepared_name, count, values.data(),
                                             nullptr, nullptr, /*resultFormat=*/0)
                       : PQsendQueryParams(connection, sql, count, nullptr, values.data(), nullptr,
                                           nullptr, /*resultFormat=*/0);
  return sent == 1;
}

// The answer to the second of two statements, or the first error. If the connection is lost before
// the end of the pipeline, no answer counts but the server's last words; nullptr without them.
PgResult ReadAnswers(PGconn* connection) {
  PgResult answer;
  int nothings = 0;  // one behind each statement and each error; more only if libpq is at a loss
  while (nothings < 8 && PQstatus(connection) == CONNECTION_OK) {
    PgResult result(PQgetResult(connection));
    if (result == nullptr) {
      ++nothings;
    } else if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) {
      return answer;
    } else if (PQresultStatus(result.get()) != PGRES_PIPELINE_ABORTED &&
               (answer == nullptr || PQresultStatus(answer.get()) != PGRES_FATAL_ERROR)) {
      answer = std::move(result);
    }
  }
  return PQresultStatus(answer.get()) == PGRES_FATAL_ERROR ? std::move(answer) : nullptr;
}

}  // namespace

void PgResultDeleter::operator()(PGresult* result) const noexcept { PQclear(result); }

PgResult RunLabelled(PGconn* connection, const std::string& label, const Statement& statement,
                     bool prepared, const Params& params) {
  if (PQenterPipelineMode(connection) != 1) return nullptr;
  const bool sent = Send(connection, kSetName, nullptr, {LabelledName(connection, label)}) &&
                    Send(connection, statement.sql, prepared ? statement.name : nullptr, params) &&
                    PQpipelineSync(connection) == 1;
  PgResult answer = sent ? ReadAnswers(connection) : nullptr;
  const bool over = PQstatus(connection) != CONNECTION_OK || PQexitPipelineMode(connection) == 1;
  return over ? std::move(answer) : nullptr;
}

QueryResult ToQueryResult(const PGresult* result) {
  QueryResult converted;
  const int columns = PQnfields(result);
  converted.rows.resize(static_cast<std::size_t>(PQntuples(result)));
  for (int row = 0; row < PQntuples(result); ++row) {
    Row& values = converted.rows[static_cast<std::size_t>(row)];
    values.reserve(static_cast<std::size_t>(columns));
    for (int column = 0; column < columns; ++column) {
      if (PQgetisnull(result, row, column) == 1) {
        values.emplace_back();
      } else {
        values.emplace_back(std::in_place, PQgetvalue(result, row, column),
                            static_cast<std::size_t>(PQgetlength(result, row, column)));
      }
    }
  }
  // PQcmdTuples is for programs that may write into the result, so it takes it without const.
  if (!absl::SimpleAtoi(PQcmdTuples(const_cast<PGresult*>(result)), &converted.affected_rows)) {
    converted.affected_rows = 0;  // a command that counts no rows
  }
  return converted;
}

}  // namespace auth::pool
