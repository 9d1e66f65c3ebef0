#include "tests/support/server/deployment.h"

#include <gtest/gtest.h>

#include <csignal>
#include <iterator>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "server/dev/loopback_port.h"

namespace auth::testing {
namespace {

// A port that is free on one loopback address is so on all, unless a test of this kind has it.
int ChoosePort() {
  const absl::StatusOr<int> port = dev::ChooseLoopbackPort();
  if (!port.ok()) throw std::runtime_error(std::string(port.status().message()));
  return *port;
}

}  // namespace

Deployment::Deployment(int replicas, const Revision& revision) : port_(ChoosePort()) {
  for (int i = 0; i < replicas; ++i) replicas_.push_back(Start(revision));
  Publish();
}

std::string Deployment::address() const { return absl::StrCat(replicas_.front().ip, ":", port_); }

std::vector<const AuthServerProcess*> Deployment::servers() const {
  std::vector<const AuthServerProcess*> servers;
  servers.reserve(replicas_.size());
  for (const Replica& replica : replicas_) servers.push_back(&replica.process);
  return servers;
}

Deployment::Replica Deployment::Start(const Revision& revision) {
  const std::string ip = absl::StrCat("127.0.1.", ++last_ip_);
  // Long enough for callers to see that it is about to go.
  std::vector<std::string> flags = {absl::StrCat("--listen=", ip, ":", port_), "--drain-delay=1s"};
  flags.insert(flags.end(), revision.flags.begin(), revision.flags.end());
  auto process = AuthServerProcess::Start(std::move(flags), {}, revision.program);
  if (!process.ok()) throw std::runtime_error(std::string(process.status().message()));
  return {ip, *std::move(process)};
}

void Deployment::Publish() {
  std::vector<std::string> addresses;
  addresses.reserve(replicas_.size());
  for (const Replica& replica : replicas_) addresses.push_back(replica.ip);
  names_.SetAddresses(addresses);
}

void Deployment::ReplaceOldest(const Revision& revision) {
  replicas_.push_back(Start(revision));
  Publish();
  replicas_.front().process.Signal(SIGTERM);
  Replica oldest = std::move(replicas_.front());
  std::vector<Replica> rest(std::make_move_iterator(replicas_.begin() + 1),
                            std::make_move_iterator(replicas_.end()));
  replicas_ = std::move(rest);
  Publish();
  EXPECT_EQ(oldest.process.WaitForExit(), 0) << oldest.process.log();
}

void Deployment::Roll(const Revision& revision) {
  for (size_t count = replicas_.size(); count > 0; --count) ReplaceOldest(revision);
}

}  // namespace auth::testing
