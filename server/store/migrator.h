#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/transaction_runner.h"
#include "server/store/migration.h"

namespace auth::store {

// Brings a database's schema to what this program was built for. What was applied stands in the
// table schema_migrations, with a checksum.
//
// Safe with many servers starting at once, also through a transaction pooler: each migration is a
// transaction of its own, under a transaction-scoped advisory lock. A database that is up to date
// is only read.
//
// Safe under load: a migration that has to wait for a table steps back after a tenth of a second,
// because everybody else would wait behind it, and comes again.
//
// Safe beside other versions of this program: a database that a newer one has migrated is good as
// long as all that is unknown declares itself compatible with this program's version. So the old
// version can go on, start again and be returned to while the new one is rolled out.
//
// Failures say what to do and are for the operator:
//   FAILED_PRECONDITION  this program is too old for the database, or is another
//   else                 that of TransactionRunner, e.g. UNAVAILABLE or DEADLINE_EXCEEDED
//
//   Migrator migrator(&runner, EmbeddedMigrations());
//   absl::StatusOr<int> applied = migrator.Apply(look_by, apply_by);
class Migrator {
 public:
  // Both must outlive the migrator. `migrations` have the versions 1, 2, 3 … in order.
  Migrator(const pool::TransactionRunner* runner, const std::vector<Migration>& migrations);

  // Applies what is missing; how many were. Waits for another server that is doing the same.
  // UNAVAILABLE too if something is missing and the database takes no writes, as a standby.
  // `look_by` bounds finding out what is missing. The migration that is not done by `apply_by` is
  // rolled back: be generous, an index on a large table takes its time.
  absl::StatusOr<int> Apply(MonotonicTime look_by, MonotonicTime apply_by) const;

  // OK if nothing is missing; changes nothing. FAILED_PRECONDITION names what is missing.
  absl::Status Check(MonotonicTime deadline) const;

 private:
  absl::Status CheckWritable(MonotonicTime deadline) const;
  absl::StatusOr<size_t> CountApplied(MonotonicTime deadline) const;
  absl::StatusOr<size_t> ReadApplied(MonotonicTime deadline, pool::Connection& connection) const;
  absl::StatusOr<size_t> ApplyNext(MonotonicTime deadline, pool::Connection& connection) const;

  const pool::TransactionRunner* const runner_;
  const std::vector<Migration>& migrations_;
};

}  // namespace auth::store
