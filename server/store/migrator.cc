#include "server/store/migrator.h"

#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace auth::store {
namespace {

using pool::Connection;
using pool::Effect;
using pool::QueryResult;
using pool::Statement;

// The timeouts that protect calls must not end a server that waits for another's migration, or a
// long CREATE INDEX; the deadline bounds both. The lock's number is arbitrary, but the same in
// every version of this program.
constexpr char kBeginMigration[] = R"sql(
SET LOCAL lock_timeout = 0;
SET LOCAL statement_timeout = 0;
SELECT pg_advisory_xact_lock(4702111234474983745);
CREATE TABLE IF NOT EXISTS schema_migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL
);
)sql";

constexpr Statement kFindTable = {"find_schema_migrations",
                                  "SELECT (to_regclass('schema_migrations') IS NOT NULL)::int"};

constexpr Statement kReadOnly = {"select_read_only",
                                 "SELECT current_setting('transaction_read_only')"};

constexpr Statement kSelectApplied = {
    "select_schema_migrations",
    "SELECT version, name, checksum FROM schema_migrations ORDER BY version"};

constexpr Statement kInsertApplied = {
    "insert_schema_migration",
    "INSERT INTO schema_migrations (version, name, checksum, applied_at) "
    "VALUES ($1::integer, $2::text, $3::text, clock_timestamp())"};

std::string Describe(const Migration& migration) {
  return absl::StrCat(migration.version, " (", migration.name, ")");
}

// Keeps the payloads, which tell whether the failure may pass.
absl::Status Prefixed(const std::string& prefix, const absl::Status& status) {
  absl::Status result(status.code(), absl::StrCat(prefix, ": ", status.message()));
  status.ForEachPayload([&result](absl::string_view url, const absl::Cord& payload) {
    result.SetPayload(url, payload);
  });
  return result;
}

}  // namespace

Migrator::Migrator(const pool::TransactionRunner* runner, const std::vector<Migration>& migrations)
    : runner_(runner), migrations_(migrations) {}

absl::StatusOr<int> Migrator::Apply(MonotonicTime look_by, MonotonicTime apply_by) const {
  const absl::StatusOr<size_t> before = CountApplied(look_by);
  if (!before.ok()) return before.status();
  if (*before == migrations_.size()) return 0;
  if (absl::Status status = CheckWritable(look_by); !status.ok()) return status;

  int applied = 0;
  // Idempotent: a repetition begins by looking at what is there.
  const absl::Status status = runner_->RunInTransaction(
      Effect::kIdempotent, apply_by,
      [&](Connection& connection) { return ApplyMissing(apply_by, connection, &applied); });
  if (!status.ok()) return status;
  return applied;
}

absl::Status Migrator::Check(MonotonicTime deadline) const {
  const absl::StatusOr<size_t> applied = CountApplied(deadline);
  if (!applied.ok()) return applied.status();
  if (*applied == migrations_.size()) return absl::OkStatus();
  const std::vector<Migration> missing(migrations_.begin() + static_cast<ptrdiff_t>(*applied),
                                       migrations_.end());
  return absl::FailedPreconditionError(
      absl::StrCat("the database lacks migration ",
                   absl::StrJoin(missing, ", ",
                                 [](std::string* out, const Migration& migration) {
                                   absl::StrAppend(out, Describe(migration));
                                 }),
                   ": start once with --migrate only, as a database role that may create tables"));
}

absl::Status Migrator::CheckWritable(MonotonicTime deadline) const {
  return runner_->Run(Effect::kReadOnly, deadline, [&](Connection& connection) -> absl::Status {
    const absl::StatusOr<QueryResult> read_only = connection.Execute(deadline, kReadOnly, {});
    if (!read_only.ok()) return read_only.status();
    if (read_only->rows.at(0).at(0) != "on") return absl::OkStatus();
    return absl::UnavailableError(
        "the database takes no writes: it is a standby, or was made read-only; the migrations that "
        "are missing wait for a primary");
  });
}

absl::StatusOr<size_t> Migrator::CountApplied(MonotonicTime deadline) const {
  size_t applied = 0;
  const absl::Status status =
      runner_->Run(Effect::kReadOnly, deadline, [&](Connection& connection) {
        const absl::StatusOr<QueryResult> table = connection.Execute(deadline, kFindTable, {});
        if (!table.ok()) return table.status();
        applied = 0;
        if (table->rows.at(0).at(0) != "1") return absl::OkStatus();
        const absl::StatusOr<size_t> count = ReadApplied(deadline, connection);
        if (!count.ok()) return count.status();
        applied = *count;
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return applied;
}

// How many of our migrations are applied; refuses if others are.
absl::StatusOr<size_t> Migrator::ReadApplied(MonotonicTime deadline, Connection& connection) const {
  const absl::StatusOr<QueryResult> found = connection.Execute(deadline, kSelectApplied, {});
  if (!found.ok()) return found.status();
  for (size_t i = 0; i < found->rows.size(); ++i) {
    Migration applied;
    applied.name = found->rows[i].at(1).value_or("");
    applied.checksum = found->rows[i].at(2).value_or("");
    if (!absl::SimpleAtoi(found->rows[i].at(0).value_or(""), &applied.version)) {
      return absl::InternalError("schema_migrations.version is no number");
    }
    if (i >= migrations_.size()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the database has migration ", Describe(applied),
          ", which this program does not know: it was migrated by a newer version; start that one "
          "or a later one"));
    }
    const Migration& known = migrations_[i];
    if (applied.version != known.version || applied.name != known.name ||
        applied.checksum != known.checksum) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the database's migration ", Describe(applied), " is not this program's ",
          Describe(known),
          ", or its text differs: the database belongs to another program or build; use another "
          "database, or start the program that made this one"));
    }
  }
  return found->rows.size();
}

absl::Status Migrator::ApplyMissing(MonotonicTime deadline, Connection& connection,
                                    int* applied) const {
  *applied = 0;
  if (absl::Status status = connection.ExecuteScript(deadline, kBeginMigration); !status.ok()) {
    return status;
  }
  const absl::StatusOr<size_t> present = ReadApplied(deadline, connection);
  if (!present.ok()) return present.status();
  for (size_t i = *present; i < migrations_.size(); ++i) {
    const Migration& migration = migrations_[i];
    absl::Status status = connection.ExecuteScript(deadline, migration.sql);
    if (status.ok()) {
      status = connection
                   .Execute(deadline, kInsertApplied,
                            {std::to_string(migration.version), migration.name, migration.checksum})
                   .status();
    }
    if (!status.ok()) return Prefixed("migration " + Describe(migration), status);
    ++*applied;
  }
  return absl::OkStatus();
}

}  // namespace auth::store
