#pragma once

#include <string>

#include "tests/support/sql_connection.h"
#include "tests/support/test_postgres.h"
#include "tests/support/third_party_server.h"

namespace auth::testing {

// A streaming standby of a TestPostgres, made by pg_basebackup, on a port of its own: what a
// failover turns to. Gone with the object. Not thread-safe; failures throw std::runtime_error.
//
//   StandbyPostgres standby(postgres);
//   postgres.Stop();                     // sends it all there is
//   standby.Promote();
//   gate.SetTarget(standby.port());
class StandbyPostgres {
 public:
  // Returns when the standby streams from `primary` and answers.
  explicit StandbyPostgres(TestPostgres& primary);

  int port() const { return server_.port(); }
  // `primary_url`, of a database of the primary, for the standby.
  std::string Url(const std::string& primary_url) const;

  // Waits until it has replayed all that the primary has written until now.
  void CatchUp(TestPostgres& primary);
  // Makes it a primary; returns when it takes writes.
  void Promote();

 private:
  void CopyFrom(const std::string& primary_url);

  ThirdPartyServer server_;
  SqlConnection admin_;
};

}  // namespace auth::testing
