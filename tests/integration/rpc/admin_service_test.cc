// AdminService over real channels.

#include "server/rpc/admin_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "tests/integration/rpc/test_server.h"
#include "tests/support/eventually.h"

namespace auth::rpc {
namespace {

using std::chrono::seconds;
using testing::Eventually;

class AdminServiceTest : public ::testing::Test {
 protected:
  std::unique_ptr<v1::AdminService::Stub> NewStub() const {
    return v1::AdminService::NewStub(server_.NewChannel());
  }
  static void Authorize(grpc::ClientContext* context, const std::string& token = kAdminToken) {
    context->AddMetadata("authorization", "Bearer " + token);
    context->set_deadline(std::chrono::system_clock::now() + seconds(20));
  }
  // A watch that is under way: its stream has given one picture.
  struct Watch {
    grpc::ClientContext context;
    std::unique_ptr<v1::AdminService::Stub> stub;
    std::unique_ptr<grpc::ClientReader<v1::WatchPoolStatusResponse>> reader;
    v1::WatchPoolStatusResponse response;
    bool Next() { return reader->Read(&response); }
  };
  std::unique_ptr<Watch> StartWatch(int interval_ms = 100) const {
    auto watch = std::make_unique<Watch>();
    watch->stub = NewStub();
    Authorize(&watch->context);
    v1::WatchPoolStatusRequest request;
    request.mutable_interval()->set_nanos(interval_ms * 1'000'000);
    watch->reader = watch->stub->WatchPoolStatus(&watch->context, request);
    return watch;
  }

  TestServer server_;
};

TEST_F(AdminServiceTest, GetPoolStatusShowsThePicture) {
  const auto stub = NewStub();
  grpc::ClientContext context;
  Authorize(&context);
  v1::GetPoolStatusResponse response;
  const grpc::Status status = stub->GetPoolStatus(&context, {}, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.status().sequence(), 1);
  EXPECT_EQ(response.status().database(), v1::DATABASE_STATE_CONNECTING);
  EXPECT_EQ(response.status().breaker(), v1::BREAKER_STATE_CLOSED);
  const auto records = server_.recorder.records();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].rpc, "GetPoolStatus");
  EXPECT_EQ(records[0].caller, "service:oncall");
}

TEST_F(AdminServiceTest, RecreatePoolTellsTheNewGeneration) {
  const auto stub = NewStub();
  grpc::ClientContext context;
  Authorize(&context);
  v1::RecreatePoolResponse response;
  ASSERT_TRUE(stub->RecreatePool(&context, {}, &response).ok());
  EXPECT_EQ(response.generation(), 2);
  EXPECT_EQ(server_.generation, 2);
}

TEST_F(AdminServiceTest, WithoutTheTokenNothingIsDone) {
  const auto stub = NewStub();
  for (const std::string token : {"", "wrong"}) {
    grpc::ClientContext get;
    grpc::ClientContext recreate;
    grpc::ClientContext watch;
    for (grpc::ClientContext* context : {&get, &recreate, &watch}) Authorize(context, token);
    v1::GetPoolStatusResponse got;
    EXPECT_EQ(ReasonOf(stub->GetPoolStatus(&get, {}, &got)), "CALLER_NOT_ALLOWED");
    v1::RecreatePoolResponse recreated;
    EXPECT_EQ(ReasonOf(stub->RecreatePool(&recreate, {}, &recreated)), "CALLER_NOT_ALLOWED");
    const auto reader = stub->WatchPoolStatus(&watch, {});
    v1::WatchPoolStatusResponse picture;
    EXPECT_FALSE(reader->Read(&picture));
    const grpc::Status status = reader->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(ReasonOf(status), "CALLER_NOT_ALLOWED");
  }
  EXPECT_EQ(server_.generation, 1);
  EXPECT_EQ(server_.snapshots, 0);
}

TEST(AdminServiceStartTest, IsServedWhileTheServerWaitsForItsDatabase) {
  TestServer server(TestServer::DefaultOptions(), {.hash_workers = 2}, TestServer::kStarting);
  const auto stub = v1::AdminService::NewStub(server.NewChannel());
  grpc::ClientContext context;
  context.AddMetadata("authorization", std::string("Bearer ") + kAdminToken);
  v1::GetPoolStatusResponse response;
  EXPECT_TRUE(stub->GetPoolStatus(&context, {}, &response).ok());
}

TEST_F(AdminServiceTest, AWatchSendsPictureAfterPicture) {
  const auto watch = StartWatch();
  int last = 0;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(watch->Next());
    EXPECT_GT(watch->response.status().sequence(), last);
    last = watch->response.status().sequence();
  }
  watch->context.TryCancel();
  while (watch->Next()) {
  }
  EXPECT_EQ(watch->reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Eventually([&] { return server_.recorder.records().size() == 1; }));
  EXPECT_EQ(server_.recorder.records()[0].rpc, "WatchPoolStatus");
  EXPECT_EQ(server_.recorder.records()[0].code, "CANCELLED");
  const int pictures = server_.snapshots;
  const auto other = StartWatch();
  ASSERT_TRUE(other->Next());
  EXPECT_LE(server_.snapshots, pictures + 2) << "nobody watches, no picture is taken";
}

TEST_F(AdminServiceTest, AnIntervalOutOfItsRangeIsNamed) {
  const auto stub = NewStub();
  for (const auto& [whole, nanos] : {std::pair<std::int64_t, int>{0, 99'999'999},
                                     {60, 1},
                                     {-1, 0},
                                     {1LL << 62, 0},
                                     {-(1LL << 62), 0}}) {
    grpc::ClientContext context;
    Authorize(&context);
    v1::WatchPoolStatusRequest request;
    request.mutable_interval()->set_seconds(whole);
    request.mutable_interval()->set_nanos(nanos);
    const auto reader = stub->WatchPoolStatus(&context, request);
    v1::WatchPoolStatusResponse response;
    EXPECT_FALSE(reader->Read(&response)) << whole;
    const grpc::Status status = reader->Finish();
    EXPECT_EQ(ReasonOf(status), "INVALID_FIELDS");
    const auto bad = FindDetail<google::rpc::BadRequest>(status);
    ASSERT_TRUE(bad.has_value());
    EXPECT_EQ(bad->field_violations(0).field(), "interval");
    EXPECT_EQ(bad->field_violations(0).reason(), "OUT_OF_RANGE");
  }
}

TEST_F(AdminServiceTest, OneWatcherTooManyIsRefusedAndAPlaceBecomesFree) {
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < PoolStatusWatchers::kMostWatchers; ++i) {
    watches.push_back(StartWatch());
    ASSERT_TRUE(watches.back()->Next());
  }
  const auto refused = StartWatch();
  EXPECT_FALSE(refused->Next());
  EXPECT_EQ(ReasonOf(refused->reader->Finish()), "OVERLOADED");
  watches.front()->context.TryCancel();
  EXPECT_TRUE(Eventually([&] { return StartWatch()->Next(); }));
}

TEST_F(AdminServiceTest, ADrainEndsTheWatches) {
  const auto watch = StartWatch();
  ASSERT_TRUE(watch->Next());
  std::thread drain([&] { server_->Drain(Duration::zero(), seconds(5)); });
  while (watch->Next()) {
  }
  const grpc::Status status = watch->reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "SHUTTING_DOWN");
  drain.join();
}

TEST_F(AdminServiceTest, WatchersComeAndGoInManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const auto watch = StartWatch();
        if ((i + t) % 3 != 0) {
          EXPECT_TRUE(watch->Next());
        }
        watch->context.TryCancel();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(Eventually([&] { return server_.recorder.records().size() == 160; }));
}

}  // namespace
}  // namespace auth::rpc
