#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace auth::pool {

// A value in PostgreSQL's text format; nullopt is NULL. A text value must not contain NUL bytes
// (the driver passes C strings); bytea travels as `\x…` hex.
using Value = std::optional<std::string>;
using Params = std::vector<Value>;
using Row = std::vector<Value>;

// As libpq takes them: C strings, which live as long as `params`, and nullptr for NULL.
std::vector<const char*> ToPointers(const Params& params);

// One SQL statement, with $1, $2 … in the place of values. SQL is never built from strings.
struct Statement {
  // Unique in the program. On a direct connection the statement is prepared under this name at its
  // first use; behind a transaction pooler it is sent unnamed.
  const char* name;
  const char* sql;
};

// The answer to a statement.
struct QueryResult {
  std::vector<Row> rows;
  // Rows inserted, updated or deleted, as the command tag counts them; for a SELECT those returned.
  int64_t affected_rows = 0;
};

}  // namespace auth::pool
