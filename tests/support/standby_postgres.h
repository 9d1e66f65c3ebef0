#pragma once

#include <string>

#include "tests/support/sql_connection.h"
#include "tests/support/third_party_server.h"

namespace auth::testing {

// A streaming standby of a TestPostgres, or of one that was a standby itself, made by
// pg_basebackup, on a port of its own: what a failover turns to. Gone with the object. Not
// thread-safe; failures throw std::runtime_error.
//
//   StandbyPostgres standby(postgres.url());
//   postgres.Stop();                     // sends it all there is
//   standby.Promote();
//   gate.SetTarget(standby.port());
class StandbyPostgres {
 public:
  // Returns when the standby streams from the primary and answers. `primary_url` is a superuser's.
  explicit StandbyPostgres(const std::string& primary_url);

  // The database `postgres`.
  const std::string& url() const { return url_; }
  int port() const { return server_.port(); }
  // `primary_url`, of a database of the primary, for the standby.
  std::string Url(const std::string& primary_url) const;

  // Waits until it has replayed all that the primary has written until now.
  void CatchUp(SqlConnection& primary);
  // Makes it a primary; returns when it takes writes.
  void Promote();
  // Ends it, as a primary: a standby of its own is sent all there is.
  void Stop();

 private:
  void CopyFrom(const std::string& primary_url);

  ThirdPartyServer server_;
  const std::string url_;
  SqlConnection admin_;
};

}  // namespace auth::testing
