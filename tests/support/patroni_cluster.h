#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/haproxy.h"
#include "tests/support/test_postgres.h"
#include "tests/support/third_party_server.h"

namespace auth::testing {

// Three PostgreSQL servers in the care of Patroni, which keeps its state in a real etcd, all on
// loopback: one is the primary, one its synchronous standby, one another standby. The settings are
// those of deploy/databases.md. Gone with the object; if the test crashes, a little later.
//
// Not thread-safe. Failures throw std::runtime_error, which fails the test.
//
//   PatroniCluster cluster;
//   const std::string url = cluster.CreateDatabase("accounts");
//   cluster.Switchover();
class PatroniCluster {
 public:
  // Returns once the cluster is whole.
  PatroniCluster();
  ~PatroniCluster();

  // The URL of a new database: with all servers, and the condition that tells which to use.
  std::string CreateDatabase(const std::string& name);

  // All servers, also those that are down.
  std::vector<HaProxy::Candidate> candidates() const;

  // Makes the synchronous standby the primary; returns when Patroni says it is.
  void Switchover();
  // SIGKILL to all processes of a PostgreSQL server and to its Patroni, as when a machine is lost.
  // One can be dead at a time.
  void KillPrimary() { Kill("/primary"); }
  void KillSynchronousStandby() { Kill("/synchronous"); }
  // Stops what sends the primary's log to the standbys.
  std::vector<FrozenProcess> FreezeReplication();
  // Ends the sessions of the primary whose commit waits for the synchronous standby; how many.
  int EndWaitingCommits();
  // Starts the Patroni of the killed one, which makes it a standby of the primary.
  void StartKilled();

  // Waits until there is one. A dead one is none.
  void AwaitPrimary() { AwaitMember("/primary"); }
  void AwaitSynchronousStandby() { AwaitMember("/synchronous"); }
  // Waits until there are both, and two standbys that stream.
  void AwaitWhole();

 private:
  class Member;

  void Kill(const std::string& path);
  // The member whose health check `path` says yes; nullptr if there is none.
  Member* FindMember(const std::string& path) const;
  // Waits until there is one.
  Member& AwaitMember(const std::string& path) const;
  void Await(const std::string& what, const std::function<bool()>& condition) const;

  ThirdPartyServer etcd_;
  std::vector<std::unique_ptr<Member>> members_;
  Member* killed_ = nullptr;
};

}  // namespace auth::testing
