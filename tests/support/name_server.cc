#include "tests/support/name_server.h"

#include <csignal>

#include "absl/strings/str_cat.h"

namespace auth::testing {
namespace {

constexpr char kProgram[] = "/usr/sbin/dnsmasq";
constexpr char kHosts[] = "hosts";

}  // namespace

NameServer::NameServer() : server_(kProgram) {
  const std::string hosts = server_.Write(kHosts, "").string();
  server_.Start({"--keep-in-foreground", "--log-facility=-", "--conf-file=/dev/null", "--pid-file",
                 "--user", "--no-resolv", "--no-hosts", "--local=/test/", "--local-ttl=0",
                 "--listen-address=127.0.0.1", "--bind-interfaces",
                 absl::StrCat("--port=", server_.port()), absl::StrCat("--addn-hosts=", hosts)});
}

void NameServer::SetAddresses(const std::vector<std::string>& addresses) {
  std::string hosts;
  for (const std::string& address : addresses) absl::StrAppend(&hosts, address, " auth.test\n");
  server_.Write(kHosts, hosts);
  server_.Signal(SIGHUP);
}

std::string NameServer::Target(int port) const {
  return absl::StrCat("dns://127.0.0.1:", server_.port(), "/auth.test:", port);
}

}  // namespace auth::testing
