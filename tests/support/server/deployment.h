#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/name_server.h"
#include "tests/support/server/auth_server_process.h"

namespace auth::testing {

// Replicas of the real auth_server behind one name in a real DNS, as a Deployment of Kubernetes
// behind a headless Service: each has an address of its own, all the same port, and nobody's
// address is used again.
//
// Not thread-safe; target() never changes. A server that does not start throws std::runtime_error,
// which fails the test.
//
//   Deployment deployment(3, {.flags = {"--database-url=" + url}});
//   …                                      // load on deployment.target()
//   deployment.Roll({.flags = …});
class Deployment {
 public:
  // What a replica is started as.
  struct Revision {
    std::vector<std::string> flags;
    std::string program = AuthServerProcess::Program();
  };

  // Returns when all replicas are ready.
  Deployment(int replicas, const Revision& revision);

  // For gRPC's resolver.
  std::string target() const { return names_.Target(port_); }
  // The first replica's, for whoever needs just one.
  std::string address() const;

  // Puts a new replica in the place of the oldest one. Its address is known once it is ready; then
  // the other is told to stop, and only then is that one's address forgotten. Waits until it has
  // ended; its exit code must be 0.
  void ReplaceOldest(const Revision& revision);
  // The same for all, one after another.
  void Roll(const Revision& revision);

  // Until the next replacement.
  std::vector<const AuthServerProcess*> servers() const;

 private:
  struct Replica {
    std::string ip;
    AuthServerProcess process;
  };

  Replica Start(const Revision& revision);
  void Publish();

  const int port_;
  int last_ip_ = 0;
  NameServer names_;
  std::vector<Replica> replicas_;  // oldest first
};

}  // namespace auth::testing
