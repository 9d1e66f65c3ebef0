#include "server/rpc/grpc_server.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <future>
#include <string>
#include <vector>

#include "tests/integration/rpc/test_server.h"
#include "tests/support/eventually.h"

namespace auth::rpc {
namespace {

using grpc::StatusCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

// 32 registrations that hold in the store.
class InFlight {
 public:
  static constexpr int kCalls = 32;

  explicit InFlight(TestServer* server, const std::string& request_id = "") {
    server->store.gate.Close();
    for (int i = 0; i < kCalls; ++i) {
      // One by one: gRPC 1.51 fails some connects that are made beside others.
      const std::shared_ptr<grpc::Channel> channel = server->NewChannel();
      EXPECT_TRUE(channel->WaitForConnected(std::chrono::system_clock::now() + seconds(10)));
      calls_.push_back(std::async(std::launch::async, [channel, i, request_id] {
        const auto stub = v1::AuthService::NewStub(channel);
        return Register(stub.get(), absl::StrCat("u", i, "@example.com"), kPassword, request_id)
            .status;
      }));
    }
    // Four are in store workers, the rest wait for one.
    EXPECT_TRUE(server->store.gate.AwaitWaiting(4));
    EXPECT_TRUE(Eventually([&] { return server->store_workers().queued() == kCalls - 4; }));
  }
  std::vector<grpc::Status> Await() {
    std::vector<grpc::Status> all;
    for (auto& call : calls_) all.push_back(call.get());
    return all;
  }

 private:
  std::vector<std::future<grpc::Status>> calls_;
};

// Containers often have no IPv6.
bool HasIpv6() {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return bound;
}

absl::Status StartWith(const GrpcServer::Options& options) {
  TestServer workers;
  return GrpcServer::Start(options, workers.Services(), workers.Admin(), workers.Dependencies())
      .status();
}

TEST(GrpcServerTest, ATakenPortIsAnErrorThatSaysSo) {
  TestServer first;
  const absl::Status status = StartWith({.listen = first.address()});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(status.message()), HasSubstr(first.address()));
  EXPECT_THAT(std::string(status.message()), HasSubstr("--listen"));
  EXPECT_EQ(Health(first.NewChannel(), ""), "SERVING") << "the first one is not disturbed";
}

TEST(GrpcServerTest, PlaintextBeyondLoopbackMustBeAskedFor) {
  const absl::Status status = StartWith({.listen = "0.0.0.0:0"});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(status.message()), HasSubstr("--tls-cert"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("--allow-plaintext"));
  EXPECT_THAT(StartWith({.listen = "127.0.0.1.example.com:0"}),
              StatusIs(absl::StatusCode::kInvalidArgument))
      << "not an address of this machine";
  EXPECT_THAT(StartWith({.listen = "0.0.0.0:0", .allow_plaintext = true}), IsOk());
  std::vector<std::string> loopback = {"127.9.9.9:0", "localhost:0"};
  if (HasIpv6()) {
    loopback.emplace_back("[::1]:0");
  } else {
    std::printf("This machine has no ::1, so that it is not tried.\n");
  }
  for (const std::string& address : loopback) {
    EXPECT_THAT(StartWith({.listen = address}), IsOk()) << address;
  }
}

TEST(GrpcServerTest, RaisesTheLimitOfOpenFiles) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlim_t hard = limit.rlim_max;
  limit.rlim_cur = 256;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  TestServer server;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, hard);
}

TEST(GrpcServerTest, OversizeMessagesAreRefused) {
  TestServer server;
  const auto stub = server.NewStub();
  const auto answer = Register(stub.get(), std::string(17 * 1024, 'a'));
  EXPECT_EQ(answer.status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(server.recorder.records().empty()) << "no handler saw it";
  EXPECT_EQ(Register(stub.get(), std::string(15 * 1024, 'a')).status.error_code(),
            StatusCode::INVALID_ARGUMENT)
      << "our own rules refuse the smaller one";
  EXPECT_TRUE(Register(stub.get(), "ada@example.com").status.ok());
}

TEST(GrpcServerTest, OversizeMetadataIsRefused) {
  TestServer server;
  const auto stub = server.NewStub();
  grpc::ClientContext context;
  context.AddMetadata("x-large", std::string(9 * 1024, 'a'));
  v1::SignOutResponse response;
  EXPECT_FALSE(stub->SignOut(&context, v1::SignOutRequest(), &response).ok());
  EXPECT_TRUE(server.recorder.records().empty());
}

TEST(GrpcServerTest, BytesThatAreNoMessageReachNoHandler) {
  TestServer server;
  const grpc::Slice slice("\x0a\xff\xff\xff");
  const grpc::ByteBuffer garbage(&slice, 1);
  grpc::ByteBuffer answer;
  const grpc::Status status =
      CallMethod(server.NewChannel(), "/auth.v1.AuthService/Register", garbage, &answer);
  // The code is gRPC's choice and differs between its versions.
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.error_code(), StatusCode::UNAVAILABLE) << "a repeat would not help";
  EXPECT_TRUE(server.recorder.records().empty());
}

TEST(GrpcServerTest, DrainFinishesEveryCallInFlightAndRefusesNewOnes) {
  TestServer server;
  const auto channel = server.NewChannel();
  ASSERT_EQ(Health(channel, "auth.v1.AuthService"), "SERVING");
  InFlight in_flight(&server);

  auto drained =
      std::async(std::launch::async, [&] { return server->Drain(seconds(0), seconds(20)); });
  const auto stub = v1::AuthService::NewStub(channel);
  ASSERT_TRUE(Eventually(
      [&] { return ReasonOf(Validate(stub.get(), "not a token").status) == "SHUTTING_DOWN"; }));
  server.store.gate.Open();
  for (const grpc::Status& status : in_flight.Await()) {
    EXPECT_TRUE(status.ok()) << status.error_code() << " " << status.error_message();
  }
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(server.store.users(), size_t{InFlight::kCalls});
}

TEST(GrpcServerTest, BusyCallersAreToldToGoElsewhereAndNothingElse) {
  TestServer server;
  std::vector<std::future<grpc::Status>> callers;
  std::atomic<int> calls{0};
  for (int i = 0; i < 8; ++i) {
    callers.push_back(std::async(std::launch::async, [&] {
      const auto stub = server.NewStub();
      const std::string token = account::Token::New().ToString();
      for (;;) {
        grpc::Status status = Validate(stub.get(), token).status;
        if (ReasonOf(status) != "SESSION_INVALID") return status;
        ++calls;
      }
    }));
  }
  ASSERT_TRUE(Eventually([&] { return calls > 100; }));
  EXPECT_TRUE(server->Drain(seconds(0), seconds(20)));
  for (auto& caller : callers) {
    const grpc::Status status = caller.get();
    EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE) << status.error_message();
  }
}

TEST(GrpcServerTest, DuringTheDelayCallsAreServedAndHealthSaysToGoElsewhere) {
  TestServer server;
  const auto channel = server.NewChannel();
  const auto stub = v1::AuthService::NewStub(channel);
  auto drained =
      std::async(std::launch::async, [&] { return server->Drain(seconds(600), seconds(20)); });
  ASSERT_TRUE(Eventually([&] { return Health(channel, "auth.v1.AuthService") == "NOT_SERVING"; }));
  server->SetReady();
  EXPECT_EQ(Health(channel, "auth.v1.AuthService"), "NOT_SERVING") << "for good";
  EXPECT_TRUE(Register(stub.get(), "ada@example.com").status.ok());
  server->SkipDrainDelay();
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(Validate(stub.get(), "").status.error_code(), StatusCode::UNAVAILABLE);
}

TEST(GrpcServerTest, ACallThatNeverEndsDoesNotHangTheDrain) {
  TestServer server;
  InFlight in_flight(&server, /*request_id=*/"01890a5d-ac96-774b-bcce-b302099a8057");
  EXPECT_FALSE(server->Drain(seconds(0), milliseconds(100)));
  int unknown = 0;
  for (const grpc::Status& status : in_flight.Await()) {
    EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE) << status.error_message();
    if (ReasonOf(status) == "OUTCOME_UNKNOWN") {
      ++unknown;
    } else {
      EXPECT_EQ(ReasonOf(status), "SHUTTING_DOWN");
    }
  }
  EXPECT_EQ(unknown, 4) << "those that were in the store";
}

TEST(GrpcServerTest, WithoutARequestIdAnUnknownOutcomeIsNotSafeToRepeat) {
  TestServer server;
  InFlight in_flight(&server);
  EXPECT_FALSE(server->Drain(seconds(0), milliseconds(100)));
  int unknown = 0;
  for (const grpc::Status& status : in_flight.Await()) {
    if (status.error_code() == StatusCode::UNKNOWN) ++unknown;
  }
  EXPECT_EQ(unknown, 4);
}

TEST(GrpcServerTest, AHealthWatchDoesNotDelayTheDrain) {
  TestServer server;
  grpc::TemplatedGenericStub<grpc::health::v1::HealthCheckRequest,
                             grpc::health::v1::HealthCheckResponse>
      stub(server.NewChannel());
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  auto stream = stub.PrepareCall(&context, "/grpc.health.v1.Health/Watch", &queue);
  void* tag = nullptr;
  bool ok = false;
  const auto await = [&] { return queue.Next(&tag, &ok) && ok; };
  stream->StartCall(nullptr);
  ASSERT_TRUE(await());
  stream->Write(grpc::health::v1::HealthCheckRequest(), nullptr);
  ASSERT_TRUE(await());
  grpc::health::v1::HealthCheckResponse response;
  stream->Read(&response, nullptr);
  ASSERT_TRUE(await());
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);

  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(server->Drain(seconds(0), seconds(600)));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(60));
  context.TryCancel();
  grpc::Status status;
  stream->Finish(&status, nullptr);
  ASSERT_TRUE(await());
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
}

}  // namespace
}  // namespace auth::rpc
