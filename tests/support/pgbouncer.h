#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/third_party_server.h"

namespace auth::testing {

// A real PgBouncer in transaction mode in front of a test's PostgreSQL: lends a server session for
// one transaction, refuses start-up options, and holds no named statements, as Neon's pooled
// endpoints do. Restarted by a test as often as it likes.
//
// Not thread-safe. Failures throw std::runtime_error, which fails the test.
//
//   PgBouncer pooler(postgres.url());
//   auto server = AuthServerProcess::Start({"--database-url=" + pooler.Through(url)});
//   pooler.Kill();
//   pooler.Start();
class PgBouncer {
 public:
  using Settings = std::vector<std::pair<std::string, std::string>>;

  // Starts it in front of the server of `postgres_url`, for all of its databases and the one role
  // of the URL. `settings` are lines of its section [pgbouncer].
  explicit PgBouncer(const std::string& postgres_url, const Settings& settings = {});

  // The same database through the pooler.
  std::string Through(const std::string& url) const;

  // Ends all clients' and all servers' sessions at once.
  void Kill() { server_.Kill(); }
  // On the same port, after Kill.
  void Start();

  std::string log() const { return server_.log(); }

 private:
  ThirdPartyServer server_;
  std::string settings_file_;
};

}  // namespace auth::testing
