#pragma once

#include <future>
#include <memory>
#include <vector>

namespace auth::testing {

// A network of its own in the kernel, joined to ours by a pair of virtual interfaces with addresses
// that no real machine has (RFC 2544). Packets that arrive there can be dropped: what no relay can
// do, because it answers for what it has accepted.
//
// Needs root, iproute2 and iptables, and changes nothing outside of itself; it is gone with the
// object, also if the process is killed. Not thread-safe. Throws std::runtime_error.
//
//   NetworkNamespace network;
//   TcpGate gate(postgres.port(), {.listener = network.BindTcp(), .tap = nullptr});
//   network.Drop();
class NetworkNamespace {
 public:
  NetworkNamespace();
  ~NetworkNamespace();

  // A TCP socket inside, bound to an address that we can reach. The caller's.
  int BindTcp();

  // From now on no packet comes in or goes out.
  void Drop();
  // No packet of connections to it that were made from these ports.
  void DropFrom(const std::vector<int>& ports);
  // All pass again.
  void Heal();

 private:
  class Inside;

  const std::unique_ptr<Inside> inside_;
};

}  // namespace auth::testing
