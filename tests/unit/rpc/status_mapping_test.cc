#include "server/rpc/status_mapping.h"

#include <gmock/gmock.h>

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "auth/v1/error_reason.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/account/errors.h"

namespace auth::rpc {
namespace {

using account::MakeError;
using account::Reason;
using account::Violation;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

google::rpc::Status Rich(const grpc::Status& status) {
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  return rich;
}

// The one detail of this type, if there is one.
template <typename Detail>
std::optional<Detail> Find(const grpc::Status& status) {
  const google::rpc::Status rich = Rich(status);
  std::optional<Detail> found;
  for (const auto& any : rich.details()) {
    if (!any.Is<Detail>()) continue;
    EXPECT_FALSE(found.has_value()) << "twice: " << any.type_url();
    found.emplace();
    EXPECT_TRUE(any.UnpackTo(&*found));
  }
  return found;
}

// The names of an enum's values without their prefix, and without UNSPECIFIED.
std::set<std::string> NamesOf(const google::protobuf::EnumDescriptor* descriptor,
                              const std::string& prefix) {
  std::set<std::string> names;
  for (int i = 0; i < descriptor->value_count(); ++i) {
    const std::string& name = descriptor->value(i)->name();
    EXPECT_EQ(name.rfind(prefix, 0), 0u) << name;
    if (descriptor->value(i)->number() != 0) names.insert(name.substr(prefix.size()));
  }
  return names;
}

std::vector<Reason> AllReasons() {
  std::vector<Reason> all;
  for (int i = 0; i <= static_cast<int>(Reason::kCallerNotAllowed); ++i) all.push_back(Reason{i});
  return all;
}

TEST(StatusMappingTest, ReasonsAreThoseOfTheProtoAndNoOthers) {
  std::set<std::string> names;
  for (const Reason reason : AllReasons()) {
    // Nobody reads the details of a call that he has cancelled.
    if (reason != Reason::kCancelled) names.insert(std::string(Name(reason)));
  }
  EXPECT_EQ(names, NamesOf(v1::ErrorReason_descriptor(), "ERROR_REASON_"));
}

TEST(StatusMappingTest, ViolationsAreThoseOfTheProtoAndNoOthers) {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(Violation::kOutOfRange); ++i) {
    names.insert(std::string(Name(Violation{i})));
  }
  EXPECT_EQ(names, NamesOf(v1::FieldViolationReason_descriptor(), "FIELD_VIOLATION_REASON_"));
}

TEST(StatusMappingTest, EveryReasonHasItsCodeAndErrorInfo) {
  const std::vector<std::pair<Reason, grpc::StatusCode>> codes = {
      {Reason::kInvalidFields, grpc::StatusCode::INVALID_ARGUMENT},
      {Reason::kEmailAlreadyRegistered, grpc::StatusCode::ALREADY_EXISTS},
      {Reason::kRequestIdConflict, grpc::StatusCode::INVALID_ARGUMENT},
      {Reason::kInvalidCredentials, grpc::StatusCode::UNAUTHENTICATED},
      {Reason::kSessionInvalid, grpc::StatusCode::UNAUTHENTICATED},
      {Reason::kRateLimited, grpc::StatusCode::RESOURCE_EXHAUSTED},
      {Reason::kOverloaded, grpc::StatusCode::RESOURCE_EXHAUSTED},
      {Reason::kDatabaseUnavailable, grpc::StatusCode::UNAVAILABLE},
      {Reason::kOutcomeUnknown, grpc::StatusCode::UNKNOWN},
      {Reason::kDeadlineExceeded, grpc::StatusCode::DEADLINE_EXCEEDED},
      {Reason::kShuttingDown, grpc::StatusCode::UNAVAILABLE},
      {Reason::kInternal, grpc::StatusCode::INTERNAL},
      {Reason::kCallerNotAllowed, grpc::StatusCode::UNAUTHENTICATED},
  };
  EXPECT_EQ(codes.size() + 1, AllReasons().size()) << "all but CANCELLED";
  for (const auto& [reason, code] : codes) {
    SCOPED_TRACE(std::string(Name(reason)));
    const grpc::Status status = ToGrpcStatus(MakeError(reason), "id-1");
    EXPECT_EQ(status.error_code(), code);
    EXPECT_THAT(status.error_message(), Not(IsEmpty()));
    EXPECT_EQ(Rich(status).code(), static_cast<int>(code));
    EXPECT_EQ(Rich(status).message(), status.error_message());
    const auto info = Find<google::rpc::ErrorInfo>(status);
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->reason(), Name(reason));
    EXPECT_EQ(info->domain(), "auth.v1");
    EXPECT_FALSE(Find<google::rpc::BadRequest>(status).has_value());
    EXPECT_FALSE(Find<google::rpc::RetryInfo>(status).has_value());
  }
}

TEST(StatusMappingTest, OkIsOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus(), "id").ok()); }

TEST(StatusMappingTest, OutcomeUnknownOfARepeatableCallIsUnavailable) {
  const grpc::Status status =
      ToGrpcStatus(account::AsSafeToRepeat(MakeError(Reason::kOutcomeUnknown)), "id");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(status)->reason(), "OUTCOME_UNKNOWN");
}

TEST(StatusMappingTest, CancelledHasNoDetails) {
  const grpc::Status status = ToGrpcStatus(MakeError(Reason::kCancelled), "id");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(Rich(status).details_size(), 0);
}

TEST(StatusMappingTest, EveryFieldViolationIsNamed) {
  const grpc::Status status = ToGrpcStatus(
      account::InvalidFields({{"email", Violation::kEmailMalformed, "give one @"},
                              {"request_id", Violation::kRequestIdMalformed, "give a UUID"}}),
      "id");
  const auto bad = Find<google::rpc::BadRequest>(status);
  ASSERT_TRUE(bad.has_value());
  ASSERT_EQ(bad->field_violations_size(), 2);
  EXPECT_EQ(bad->field_violations(0).field(), "email");
  EXPECT_EQ(bad->field_violations(0).reason(), "EMAIL_MALFORMED");
  EXPECT_EQ(bad->field_violations(0).description(), "give one @");
  EXPECT_EQ(bad->field_violations(1).field(), "request_id");
  EXPECT_EQ(bad->field_violations(1).reason(), "REQUEST_ID_MALFORMED");
}

TEST(StatusMappingTest, RetryInfoCarriesSecondsAndNanoseconds) {
  const auto delay = std::chrono::milliseconds(1'250);
  const grpc::Status status = ToGrpcStatus(MakeError(Reason::kOverloaded, delay), "id");
  const auto retry = Find<google::rpc::RetryInfo>(status);
  ASSERT_TRUE(retry.has_value());
  EXPECT_EQ(retry->retry_delay().seconds(), 1);
  EXPECT_EQ(retry->retry_delay().nanos(), 250'000'000);
}

TEST(StatusMappingTest, OnlyRateLimitedPushesAutomaticRetriesBack) {
  const auto delay = std::chrono::microseconds(5'999'001);
  EXPECT_EQ(RetryPushback(MakeError(Reason::kRateLimited, delay)), "6000") << "rounded up";
  EXPECT_EQ(RetryPushback(MakeError(Reason::kOverloaded, delay)), std::nullopt);
  EXPECT_EQ(RetryPushback(MakeError(Reason::kDatabaseUnavailable, delay)), std::nullopt);
  EXPECT_EQ(RetryPushback(absl::OkStatus()), std::nullopt);
}

TEST(StatusMappingTest, AnInternalErrorTellsTheRequestIdAndNothingElse) {
  for (const absl::Status& leaky :
       {absl::InternalError("relation \"users\" does not exist"),
        absl::NotFoundError("no row for someone@example.com"), MakeError(Reason::kInternal),
        account::InternalBecause("relation \"users\" does not exist")}) {
    const grpc::Status status = ToGrpcStatus(leaky, "id-42");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
    EXPECT_EQ(status.error_message(), "internal error; request id id-42");
    EXPECT_THAT(status.error_details(), Not(HasSubstr("users")));
    EXPECT_THAT(status.error_details(), Not(HasSubstr("example.com")));
    EXPECT_EQ(Find<google::rpc::ErrorInfo>(status)->reason(), "INTERNAL");
  }
}

// The wire format of other languages' clients: https://cloud.google.com/apis/design/errors.
TEST(StatusMappingTest, BytesAreThoseOfGoogleRpcStatus) {
  const grpc::Status status = ToGrpcStatus(MakeError(Reason::kSessionInvalid), "id");
  const std::string info = std::string("\x0a\x0fSESSION_INVALID") + "\x12\x07" + "auth.v1";
  const std::string url = "type.googleapis.com/google.rpc.ErrorInfo";
  const auto length = [](const std::string& text) {
    return std::string(1, static_cast<char>(text.size()));
  };
  const std::string any = "\x0a" + length(url) + url + "\x12" + length(info) + info;
  const std::string& message = status.error_message();
  EXPECT_EQ(status.error_details(),
            std::string("\x08\x10\x12") + length(message) + message + "\x1a" + length(any) + any);
}

}  // namespace
}  // namespace auth::rpc
