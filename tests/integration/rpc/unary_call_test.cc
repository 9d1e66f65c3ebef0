#include "server/rpc/unary_call.h"

#include <gmock/gmock.h>

#include <chrono>
#include <future>
#include <memory>
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

// Registers with a deadline, and perhaps with metadata.
grpc::Status RegisterWithin(v1::AuthService::Stub* stub, std::chrono::milliseconds deadline,
                            grpc::ClientContext* context) {
  v1::RegisterRequest request;
  request.set_email("ada@example.com");
  request.set_password(kPassword);
  v1::RegisterResponse response;
  context->set_deadline(std::chrono::system_clock::now() + deadline);
  return stub->Register(context, request, &response);
}

// Keeps both hash workers busy until the hasher's gate opens.
std::vector<std::future<Answer<v1::RegisterResponse>>> RegisterTwo(TestServer* server,
                                                                   v1::AuthService::Stub* stub) {
  std::vector<std::future<Answer<v1::RegisterResponse>>> calls;
  for (int i = 0; i < 2; ++i) {
    calls.push_back(std::async(std::launch::async, [stub, i] {
      return Register(stub, absl::StrCat("u", i, "@example.com"));
    }));
  }
  EXPECT_TRUE(server->hasher.gate.AwaitWaiting(2));
  return calls;
}

TEST(UnaryCallTest, ACallBeforeAFrozenStoreEndsAtTheServersDeadline) {
  GrpcServer::Options options = TestServer::DefaultOptions();
  options.max_deadline = milliseconds(200);
  TestServer server(options);
  server.store.gate.Close();
  const auto stub = server.NewStub();
  grpc::ClientContext context;
  const grpc::Status status = RegisterWithin(stub.get(), seconds(10), &context);
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(ReasonOf(status), "DEADLINE_EXCEEDED") << "the server's answer, not the client's";
  ASSERT_EQ(server.recorder.records().size(), 1u);
  EXPECT_GE(server.recorder.records()[0].duration, milliseconds(200));
  EXPECT_LT(server.recorder.records()[0].duration, seconds(5));
  EXPECT_TRUE(server.store.gate.AwaitWaiting(0)) << "its worker is free";
}

TEST(UnaryCallTest, ACallThatExpiresBehindStuckHashersIsAnsweredInTime) {
  GrpcServer::Options options = TestServer::DefaultOptions();
  options.max_deadline = seconds(1);
  TestServer server(options);
  server.hasher.gate.Close();
  const auto stub = server.NewStub();
  auto stuck = RegisterTwo(&server, stub.get());
  grpc::ClientContext context;
  const grpc::Status status = RegisterWithin(stub.get(), seconds(20), &context);
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(ReasonOf(status), "DEADLINE_EXCEEDED") << "the server's answer, not the client's";
  ASSERT_EQ(server.recorder.records().size(), 1u) << "no worker was free to answer it";
  EXPECT_EQ(server.recorder.records()[0].code, "DEADLINE_EXCEEDED");
  EXPECT_EQ(server.recorder.records()[0].hash_time, Duration::zero());
  server.hasher.gate.Open();
  // The other two were in a hash, which is not interrupted; their deadline is over, too.
  for (auto& one : stuck) EXPECT_EQ(ReasonOf(one.get().status), "DEADLINE_EXCEEDED");
  EXPECT_EQ(server.store.users(), 0u);
}

TEST(UnaryCallTest, ACancelledCallIsAnsweredInTheQueueAndNotDone) {
  TestServer server;
  server.hasher.gate.Close();
  const auto stub = server.NewStub();
  auto stuck = RegisterTwo(&server, stub.get());
  grpc::ClientContext context;
  auto cancelled = std::async(std::launch::async,
                              [&] { return RegisterWithin(stub.get(), seconds(20), &context); });
  ASSERT_TRUE(Eventually([&] { return server.hash_workers().queued() == 1; }));
  context.TryCancel();
  EXPECT_EQ(cancelled.get().error_code(), StatusCode::CANCELLED);
  ASSERT_TRUE(Eventually([&] { return server.recorder.records().size() == 1; }))
      << "answered although every worker is stuck";
  EXPECT_EQ(server.recorder.records()[0].code, "CANCELLED");
  server.hasher.gate.Open();
  for (auto& one : stuck) EXPECT_TRUE(one.get().status.ok());
  EXPECT_EQ(server.store.users(), 2u);
}

TEST(UnaryCallTest, MoreThanTheQueueHoldsIsRefusedWithRetryInfo) {
  TestServer server(TestServer::DefaultOptions(), {.hash_workers = 2, .hash_queue = 3});
  server.hasher.gate.Close();
  const auto stub = server.NewStub();
  std::vector<std::future<Answer<v1::RegisterResponse>>> admitted;
  for (int i = 0; i < 5; ++i) {
    admitted.push_back(std::async(std::launch::async, [&, i] {
      return Register(stub.get(), absl::StrCat("u", i, "@example.com"));
    }));
  }
  ASSERT_TRUE(server.hasher.gate.AwaitWaiting(2));
  ASSERT_TRUE(Eventually([&] { return server.hash_workers().queued() == 3; }));
  grpc::ClientContext context;
  const grpc::Status refused = RegisterWithin(stub.get(), seconds(20), &context);
  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refused), "OVERLOADED");
  const auto retry = FindDetail<google::rpc::RetryInfo>(refused);
  ASSERT_TRUE(retry.has_value());
  EXPECT_GT(retry->retry_delay().seconds() * 1'000'000'000 + retry->retry_delay().nanos(), 0);
  EXPECT_EQ(ReasonOf(Validate(stub.get(), account::Token::New().ToString()).status),
            "SESSION_INVALID")
      << "calls that need no hash are served";
  server.hasher.gate.Open();
  for (auto& one : admitted) EXPECT_TRUE(one.get().status.ok());
}

TEST(UnaryCallTest, RequestIdAndTraceOfTheCallerAreRecorded) {
  TestServer server;
  const auto stub = server.NewStub();
  grpc::ClientContext sane;
  sane.AddMetadata("x-request-id", "order-42");
  sane.AddMetadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_TRUE(RegisterWithin(stub.get(), seconds(20), &sane).ok());
  grpc::ClientContext forged;
  forged.AddMetadata("x-request-id", "a level=error");
  EXPECT_FALSE(RegisterWithin(stub.get(), seconds(20), &forged).ok());
  const std::vector<ops::CallRecord> records = server.recorder.records();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].request_id, "order-42");
  EXPECT_EQ(records[0].trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_TRUE(records[0].trace.sampled);
  EXPECT_TRUE(account::Uuid::Parse(records[1].request_id).has_value()) << records[1].request_id;
}

}  // namespace
}  // namespace auth::rpc
