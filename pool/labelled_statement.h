#pragma once

#include <memory>
#include <string>

#include "pool/query.h"

struct pg_conn;
struct pg_result;

namespace auth::pool {

struct PgResultDeleter {
  void operator()(pg_result* result) const noexcept;
};
// An answer of libpq's.
using PgResult = std::unique_ptr<pg_result, PgResultDeleter>;

// Runs one autocommitted statement with `application_name` followed by `label` for its duration.
//
// The name is set in front of it, in the same round trip and the same implicit transaction (libpq's
// pipeline), for this transaction only: its end, commit or error, puts the plain name back before
// the session is anybody else's, also behind a pooler in transaction mode. The statement itself is
// sent as ever, with a snapshot of its own under READ COMMITTED. A label beyond what the database
// keeps (63 bytes in all) shortens the plain name.
//
// Blocks as libpq's own calls do. `prepared`: under its name, which the session knows. The answer
// may be an error; nullptr, or an error of a broken connection, is a loss.
PgResult RunLabelled(pg_conn* connection, const std::string& label, const Statement& statement,
                     bool prepared, const Params& params);

// The rows and the count of an answer that is no error.
QueryResult ToQueryResult(const pg_result* result);

}  // namespace auth::pool
