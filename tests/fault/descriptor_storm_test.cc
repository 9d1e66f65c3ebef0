// Somebody opens connections to the service's port, and never says anything sensible: more than it
// is used to, and more than it has descriptors for.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/process_usage.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::seconds;
using ::testing::AnyOf;

// How long a listener has that recovers by itself.
constexpr seconds kRecovers(10);
constexpr seconds kAcceptsAgain(kAddressSanitizer ? 60 : 10);
// How long somebody waits for a listener that is said to be gone.
constexpr seconds kNoAnswer(5);

// Our own limit must not be what ends the storm.
int RaiseOurLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_max, 1'000'000));
}

// Connections to a port of this machine.
class Storm {
 public:
  // Half of them say something that is no HTTP/2, for which gRPC closes them; or none says a word.
  enum class Says { kNonsense, kNothing };

  Storm(int port, int connections, Says says) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < connections; ++i) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      if (fd < 0) break;
      descriptors_.push_back(fd);
      static_cast<void>(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
      if (says == Says::kNonsense && i % 2 == 0) send(fd, "GET / HTTP/1.1\r\n", 16, MSG_NOSIGNAL);
    }
  }
  ~Storm() { End(); }
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;

  void End() {
    for (const int fd : descriptors_) close(fd);
    descriptors_.clear();
  }
  int connections() const { return static_cast<int>(descriptors_.size()); }

 private:
  std::vector<int> descriptors_;
};

class DescriptorStorm : public PostgresTest {
 protected:
  void StartServer() {
    auto started = AuthServerProcess::Start(
        WithCheapHashing({"--database-url=" + url_, "--pool-min-connections=2"}));
    ASSERT_THAT(started, IsOk());
    server_.emplace(*std::move(started));
    ASSERT_TRUE(
        Eventually([&] { return server_->Metric("auth_pool_connections{state=\"idle\"}") == 2; }));
    known_ = NewPlainStub(server_->grpc_address());
  }

  // One round each.
  void ExpectServedThrough(int connections);
  void ExpectServedBeyondTheLimit();

  // By a caller who was connected before the storm.
  void ExpectRegistered(const std::string& when) {
    const std::string email = absl::StrCat(when, "-", history_.operations(), "@example.com");
    const RegisterAttempt attempt = Register(known_.get(), email, "", kAcceptsAgain);
    history_.Record(attempt);
    EXPECT_TRUE(attempt.status.ok()) << email << ": " << attempt.status.error_message();
  }

  int grpc_port() const {
    const std::string address = server_->grpc_address();
    return std::stoi(address.substr(address.rfind(':') + 1));
  }

  const std::string url_ = postgres().CreateDatabase();
  std::optional<AuthServerProcess> server_;
  std::unique_ptr<v1::AuthService::Stub> known_;
  History history_;
};

// Fewer than the server has descriptors for.
void DescriptorStorm::ExpectServedThrough(int connections) {
  ExpectRegistered("before");
  const int before = UsageOf(server_->pid()).descriptors;

  Storm storm(grpc_port(), connections, Storm::Says::kNonsense);
  int most_open = before;
  ASSERT_TRUE(Eventually(
      [&] {
        most_open = std::max(most_open, UsageOf(server_->pid()).descriptors);
        return most_open >= before + storm.connections() / 2;
      },
      seconds(30)))
      << most_open;
  std::printf("%d connections, at the most %d accepted at once\n", storm.connections(),
              most_open - before);
  ASSERT_GE(storm.connections(), 1000);
  ExpectRegistered("known");
  ExpectServiceRestored(server_->grpc_address(), url_, &history_, kAcceptsAgain);
  storm.End();
  EXPECT_TRUE(
      Eventually([&] { return UsageOf(server_->pid()).descriptors <= before + 2; }, seconds(30)))
      << UsageOf(server_->pid()).descriptors << " descriptors, " << before << " before";
  ExpectServiceRestored(server_->grpc_address(), url_, &history_, kAcceptsAgain);
}

// Leaves the server as it is, or a new one in its place if its listener is gone.
void DescriptorStorm::ExpectServedBeyondTheLimit() {
  ExpectRegistered("before");
  const int most = UsageOf(server_->pid()).descriptors + 100;
  const auto bound = static_cast<rlim_t>(most);
  const rlimit limit{.rlim_cur = bound, .rlim_max = bound};
  ASSERT_EQ(prlimit(server_->pid(), RLIMIT_NOFILE, &limit, nullptr), 0);

  // Silent ones, so that all that are accepted stay, and the limit can be seen to be reached.
  Storm storm(grpc_port(), 1000, Storm::Says::kNothing);
  ASSERT_TRUE(Eventually([&] { return UsageOf(server_->pid()).descriptors >= most; }, seconds(30)))
      << UsageOf(server_->pid()).descriptors << " descriptors of " << most;
  for (int i = 0; i < 20; ++i) ExpectRegistered("during");
  storm.End();
  int livez = 0;
  const bool alive = Eventually(
      [&] {
        server_->HttpGet("/livez", &livez);
        return livez == 200;
      },
      kRecovers);
  ExpectRegistered("known");
  if (!alive) {
    std::printf("the listener is gone: /livez answers %d, and the process is restarted\n", livez);
    EXPECT_EQ(livez, 503);
    const auto newcomer = NewPlainStub(server_->grpc_address());
    EXPECT_THAT(Validate(newcomer.get(), "nobody's", kNoAnswer).error_code(),
                AnyOf(grpc::StatusCode::DEADLINE_EXCEEDED, grpc::StatusCode::UNAVAILABLE))
        << "/livez says that nobody is answered";
    server_->Signal(SIGTERM);
    EXPECT_EQ(server_->WaitForExit(), 0);
    ASSERT_NO_FATAL_FAILURE(StartServer());
  }
  ExpectServiceRestored(server_->grpc_address(), url_, &history_, kAcceptsAgain);
}

TEST_F(DescriptorStorm, TenThousandSenselessConnectionsAndTheNextCallIsServed) {
  const int most = RaiseOurLimit();
  std::mt19937_64 random(TestSeed());
  ASSERT_NO_FATAL_FAILURE(StartServer());
  const int rounds = ShortOrLong(1, 20);
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    const int connections = round == 0 ? 10'000 : 2000 + static_cast<int>(random() % 8000);
    ASSERT_NO_FATAL_FAILURE(ExpectServedThrough(std::min(connections, most - 1000)));
  }
}

// gRPC 1.51 never accepts again once it has run out of descriptors (CVE-2023-4785); a later one
// does. Either way /livez tells the truth, so that whoever watches it restarts the process, and
// those who are connected notice nothing before that.
TEST_F(DescriptorStorm, BeyondTheLimitThoseWhoAreConnectedAreServedAndLivezTellsTheTruth) {
  RaiseOurLimit();
  ASSERT_NO_FATAL_FAILURE(StartServer());
  const int rounds = ShortOrLong(1, 8);
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    ASSERT_NO_FATAL_FAILURE(ExpectServedBeyondTheLimit());
  }
}

}  // namespace
}  // namespace auth::testing
