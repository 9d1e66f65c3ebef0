#include "server/store/migrator.h"

#include <set>
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
//
// Then no statement waits long for a table: whoever comes later waits behind it, readers too.
// TransactionRunner repeats what gave up, after a pause. The table of migrations itself is not
// locked beyond the one new row: every starting server reads it.
constexpr char kBeginMigration[] = R"sql(
SET LOCAL lock_timeout = 0;
SET LOCAL statement_timeout = 0;
SELECT pg_advisory_xact_lock(4702111234474983745);
SET LOCAL lock_timeout = 100;
CREATE TABLE IF NOT EXISTS schema_migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  checksum text NOT NULL,
  compatible_since integer NOT NULL,
  applied_at timestamptz NOT NULL
);
)sql";

constexpr Statement kFindTable = {"find_schema_migrations",
                                  "SELECT (to_regclass('schema_migrations') IS NOT NULL)::int"};

constexpr Statement kReadOnly = {"select_read_only",
                                 "SELECT current_setting('transaction_read_only')"};

constexpr Statement kSelectApplied = {
    "select_schema_migrations",
    "SELECT version, name, checksum, compatible_since FROM schema_migrations ORDER BY version"};

constexpr Statement kInsertApplied = {
    "insert_schema_migration",
    "INSERT INTO schema_migrations (version, name, checksum, compatible_since, applied_at) "
    "VALUES ($1::integer, $2::text, $3::text, $4::integer, clock_timestamp())"};

std::string Describe(const Migration& migration) {
  return absl::StrCat(migration.version, " (", migration.name, ")");
}

absl::Status CheckSame(const Migration& applied, const Migration& known) {
  if (applied.version == known.version && applied.name == known.name &&
      applied.checksum == known.checksum) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "the database's migration ", Describe(applied), " is not this program's ", Describe(known),
      ", or its text differs: the database belongs to another program or build; use another "
      "database, or start the program that made this one"));
}

// Whether a program that knows `known` migrations works with a database that has this one, too.
absl::Status CheckCompatible(const Migration& applied, size_t known) {
  if (applied.compatible_since <= static_cast<int>(known)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the database has migration ", Describe(applied),
      ", with which only programs work that know "
      "migration ",
      applied.compatible_since, "; this one knows ", known, ": start a newer version of it"));
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
  if (*before >= migrations_.size()) return 0;
  if (absl::Status status = CheckWritable(look_by); !status.ok()) return status;

  std::set<size_t> ours;
  for (size_t present = *before; present < migrations_.size();) {
    size_t found = 0;
    // Idempotent: a repetition begins by looking at what is there.
    const absl::Status status = runner_->RunInTransaction(
        Effect::kIdempotent, apply_by, [&](Connection& connection) -> absl::Status {
          const absl::StatusOr<size_t> there = ApplyNext(apply_by, connection);
          if (!there.ok()) return there.status();
          found = *there;
          if (found < migrations_.size()) ours.insert(found);
          return absl::OkStatus();
        });
    if (status.ok()) {
      present = found + 1;
    } else if (!pool::OutcomeUnknown(status)) {
      return status;
    }
    // Not known to be done, it is looked at again.
  }
  return static_cast<int>(ours.size());
}

absl::Status Migrator::Check(MonotonicTime deadline) const {
  const absl::StatusOr<size_t> applied = CountApplied(deadline);
  if (!applied.ok()) return applied.status();
  if (*applied >= migrations_.size()) return absl::OkStatus();
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

// How many migrations are applied, ours or newer ones that we can work with; refuses others.
absl::StatusOr<size_t> Migrator::ReadApplied(MonotonicTime deadline, Connection& connection) const {
  const absl::StatusOr<QueryResult> found = connection.Execute(deadline, kSelectApplied, {});
  if (!found.ok()) return found.status();
  for (size_t i = 0; i < found->rows.size(); ++i) {
    Migration applied;
    applied.name = found->rows[i].at(1).value_or("");
    applied.checksum = found->rows[i].at(2).value_or("");
    if (!absl::SimpleAtoi(found->rows[i].at(0).value_or(""), &applied.version) ||
        !absl::SimpleAtoi(found->rows[i].at(3).value_or(""), &applied.compatible_since)) {
      return absl::InternalError("a number in schema_migrations is none");
    }
    absl::Status status = i < migrations_.size() ? CheckSame(applied, migrations_[i])
                                                 : CheckCompatible(applied, migrations_.size());
    if (!status.ok()) return status;
  }
  return found->rows.size();
}

// Applies the first migration that is missing, if one is, and answers how many there were before.
absl::StatusOr<size_t> Migrator::ApplyNext(MonotonicTime deadline, Connection& connection) const {
  if (absl::Status status = connection.ExecuteScript(deadline, kBeginMigration); !status.ok()) {
    return status;
  }
  absl::StatusOr<size_t> found = ReadApplied(deadline, connection);
  if (!found.ok() || *found >= migrations_.size()) return found;
  const Migration& migration = migrations_[*found];
  absl::Status status = connection.ExecuteScript(deadline, migration.sql);
  if (status.ok()) {
    status = connection
                 .Execute(deadline, kInsertApplied,
                          {std::to_string(migration.version), migration.name, migration.checksum,
                           std::to_string(migration.compatible_since)})
                 .status();
  }
  if (!status.ok()) return Prefixed("migration " + Describe(migration), status);
  return found;
}

}  // namespace auth::store
