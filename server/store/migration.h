#pragma once

#include <string>
#include <vector>

namespace auth::store {

// One step of the database's schema. Never changed once released: the next step mends it.
// migrations/README.md tells how to write one.
struct Migration {
  int version = 0;       // 1, 2, 3 …
  std::string name;      // "users_sessions_events"
  std::string checksum;  // SHA-256 of `sql`
  std::string sql;       // statements without BEGIN and COMMIT
  // The oldest version whose programs still work once this one is applied.
  int compatible_since = 1;
};

// The files of migrations/, as built into the program, in order.
const std::vector<Migration>& EmbeddedMigrations();

}  // namespace auth::store
