#pragma once

#include <string>

#include "tests/support/test_postgres.h"

namespace auth::testing {

// A role that owns one database and is no superuser: passwords, limits and reserved connections
// count for it. Not thread-safe. `postgres` must outlive it; failures throw std::runtime_error.
//
//   DatabaseRole role(&postgres, postgres.CreateDatabase());
//   AuthServerProcess::Start({"--database-url=" + role.url()});
class DatabaseRole {
 public:
  // `url` is a superuser's, of the database to own.
  DatabaseRole(TestPostgres* postgres, const std::string& url);

  // The URL of the database for this role, with its current password.
  std::string url() const;
  const std::string& name() const { return name_; }

  // From now on only this password is good; sessions that are open stay.
  void SetPassword(const std::string& password);
  // How many sessions the role has.
  int Sessions() const;
  // Ends them; how many there were.
  int KillSessions() const;

 private:
  TestPostgres* const postgres_;
  const std::string superuser_url_;
  const std::string name_;
  std::string password_;
};

}  // namespace auth::testing
