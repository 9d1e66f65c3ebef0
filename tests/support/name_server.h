#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/third_party_server.h"

namespace auth::testing {

// A real DNS server (dnsmasq) that knows one name, `auth.test`, as a cluster's DNS knows a headless
// service. What it answers may not be kept (TTL 0).
//
// Not thread-safe. Failures throw std::runtime_error, which fails the test.
//
//   NameServer names;
//   names.SetAddresses({"127.0.1.1", "127.0.1.2"});
//   client.Connect(names.Target(50051));
class NameServer {
 public:
  NameServer();

  // From the next question on, or one soon after.
  void SetAddresses(const std::vector<std::string>& addresses);

  // The name at `port`, asked for at this server, as a target of gRPC.
  std::string Target(int port) const;

 private:
  ThirdPartyServer server_;
};

}  // namespace auth::testing
