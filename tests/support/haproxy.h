#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/third_party_server.h"

namespace auth::testing {

// A real HAProxy that balances TCP to a test's PostgreSQL, its one server `database/primary`; what
// stands before managed databases, and cuts what is idle. Or to several, with the settings of
// deploy/databases.md: then it finds out by itself which is the primary.
//
// Not thread-safe. Failures throw std::runtime_error, which fails the test.
//
//   HaProxy balancer(postgres.port(), {{"timeout server", "1s"}});
//   auto server = AuthServerProcess::Start({"--database-url=" + balancer.Through(url)});
//   balancer.ShutdownSessions();
class HaProxy {
 public:
  // Lines of the section `defaults`, besides those that let it forward.
  using Settings = std::vector<std::pair<std::string, std::string>>;

  explicit HaProxy(int postgres_port, const Settings& settings = {});

  // One of several, and the port of the Patroni that tells by HTTP whether it is the primary.
  struct Candidate {
    int postgres_port = 0;
    int patroni_port = 0;
  };
  // Returns once it knows the primary.
  explicit HaProxy(const std::vector<Candidate>& candidates);

  // The same database through the balancer.
  std::string Through(const std::string& url) const;

  // The answer to a line on its runtime socket, e.g. "show info".
  std::string Command(const std::string& line) const;
  // Ends all sessions to the database at once.
  void ShutdownSessions() const;
  // Puts the database into maintenance: new connections are accepted and closed again; or takes it
  // back. What is open stays open.
  void DisableServer() const;
  void EnableServer() const;

  // Connections accepted since the start, and those that are open.
  int accepted() const { return Counter("stot"); }
  int open() const { return Counter("scur"); }

 private:
  // `servers` are the lines of the section `listen database` that say where to forward to.
  HaProxy(const std::string& servers, const Settings& settings);

  // A command that has no answer unless it fails.
  void Do(const std::string& line) const;
  // A column of its statistics, by the names of listener and servers.
  std::map<std::string, std::string> Statistics(const std::string& column) const;
  // How many candidates it has found to be the primary.
  int ServersUp() const;
  // The listener's.
  int Counter(const std::string& column) const;

  ThirdPartyServer server_;
};

}  // namespace auth::testing
