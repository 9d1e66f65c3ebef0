#include "client/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/grpc_status.h"
#include "tests/unit/client/fake_auth_server.h"

namespace auth::client {
namespace {

using auth::testing::ServiceError;
using std::chrono::milliseconds;

absl::Status Refusal(const std::string& reason) {
  return FromGrpcStatus(ServiceError(grpc::StatusCode::ALREADY_EXISTS, reason, "message"));
}

TEST(ErrorsTest, EveryReasonOfTheContractIsRead) {
  const auto* reasons = v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    const std::string name = reasons->value(i)->name();
    EXPECT_EQ(ReasonOf(Refusal(name.substr(sizeof("ERROR_REASON_") - 1))),
              reasons->value(i)->number())
        << name;
  }
}

TEST(ErrorsTest, WhatIsNewerThanTheClientIsUnspecified) {
  EXPECT_EQ(ReasonOf(Refusal("REASON_OF_2050")), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(ErrorsTest, AReasonOfAnotherDomainIsNotOurs) {
  google::rpc::ErrorInfo info;
  info.set_domain("proxy.example.com");
  info.set_reason("OVERLOADED");
  absl::Status status = absl::ResourceExhaustedError("");
  status.SetPayload("type.googleapis.com/google.rpc.ErrorInfo",
                    absl::Cord(info.SerializeAsString()));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(ErrorsTest, AStatusWithoutDetailsHasNone) {
  for (const absl::Status& status : {absl::OkStatus(), absl::UnavailableError("no connection")}) {
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
    EXPECT_TRUE(FieldViolationsOf(status).empty());
    EXPECT_EQ(RetryAfterOf(status), std::nullopt);
  }
}

TEST(ErrorsTest, APayloadThatIsNoMessageIsIgnored) {
  absl::Status status = absl::InvalidArgumentError("");
  for (const char* type : {"ErrorInfo", "BadRequest", "RetryInfo"}) {
    status.SetPayload(std::string("type.googleapis.com/google.rpc.") + type,
                      absl::Cord("\xFF\xFF\xFF"));
  }
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_TRUE(FieldViolationsOf(status).empty());
  EXPECT_EQ(RetryAfterOf(status), std::nullopt);
}

TEST(ErrorsTest, AllFieldViolationsAreReadInTheirOrder) {
  google::rpc::BadRequest bad_request;
  auto* email = bad_request.add_field_violations();
  email->set_field("email");
  email->set_reason("EMAIL_MALFORMED");
  email->set_description("Give an address with one @");
  auto* future = bad_request.add_field_violations();
  future->set_field("password");
  future->set_reason("PASSWORD_OF_2050");
  future->set_description("Give another one");
  const std::vector<FieldViolation> violations = FieldViolationsOf(FromGrpcStatus(ServiceError(
      grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELDS", "message", {&bad_request})));

  ASSERT_EQ(violations.size(), 2u);
  EXPECT_EQ(violations[0].field, "email");
  EXPECT_EQ(violations[0].reason, v1::FIELD_VIOLATION_REASON_EMAIL_MALFORMED);
  EXPECT_EQ(violations[0].description, "Give an address with one @");
  EXPECT_EQ(violations[1].field, "password");
  EXPECT_EQ(violations[1].reason, v1::FIELD_VIOLATION_REASON_UNSPECIFIED);
  EXPECT_EQ(violations[1].description, "Give another one");
}

TEST(ErrorsTest, TheTimeToWaitIsReadToTheNanosecond) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(6);
  retry.mutable_retry_delay()->set_nanos(500'000'000);
  EXPECT_EQ(RetryAfterOf(FromGrpcStatus(ServiceError(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                                     "RATE_LIMITED", "message", {&retry}))),
            milliseconds(6500));
}

}  // namespace
}  // namespace auth::client
