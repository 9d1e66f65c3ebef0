#include "client/grpc_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/status.pb.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/client/fake_auth_server.h"

namespace auth::client {
namespace {

using auth::testing::IsOk;

TEST(GrpcStatusTest, OkIsOk) { EXPECT_THAT(FromGrpcStatus(grpc::Status::OK), IsOk()); }

TEST(GrpcStatusTest, EveryCodeKeepsItsNumberAndMessage) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status =
        FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(code), "the message"));
    EXPECT_EQ(status.raw_code(), code);
    EXPECT_EQ(status.message(), "the message");
  }
}

TEST(GrpcStatusTest, EveryDetailBecomesAPayload) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(3);
  const absl::Status status = FromGrpcStatus(auth::testing::ServiceError(
      grpc::StatusCode::UNAVAILABLE, "DATABASE_UNAVAILABLE", "message", {&retry}));
  EXPECT_TRUE(status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo").has_value());
  EXPECT_EQ(status.GetPayload("type.googleapis.com/google.rpc.RetryInfo"),
            absl::Cord(retry.SerializeAsString()));
}

TEST(GrpcStatusTest, UnreadableDetailsLeaveCodeAndMessage) {
  const absl::Status status =
      FromGrpcStatus(grpc::Status(grpc::StatusCode::INTERNAL, "the message", "\xFF\xFF garbage"));
  EXPECT_TRUE(absl::IsInternal(status));
  EXPECT_EQ(status.message(), "the message");
}

}  // namespace
}  // namespace auth::client
