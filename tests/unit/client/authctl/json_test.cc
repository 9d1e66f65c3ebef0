#include "client/authctl/json.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "client/mock_auth_client.h"

namespace auth::authctl {
namespace {

client::UserSession Ana() {
  client::UserSession ana;
  ana.user.set_id("user-id");
  ana.user.set_email("ana@example.com");
  ana.user.mutable_created_at()->set_seconds(1'700'000'000);
  ana.user.mutable_updated_at()->set_seconds(1'700'000'000);
  ana.user.mutable_updated_at()->set_nanos(5'000'000);
  ana.session.set_id("session-id");
  ana.session.set_user_id("user-id");
  ana.session.mutable_expires()->set_seconds(1'700'086'400);
  ana.session.set_session_token("token");
  return ana;
}

TEST(JsonTest, IsThePublishedForm) {
  EXPECT_EQ(ToJson(Ana()),
            R"({"user":{"id":"user-id","email":"ana@example.com","emailVerified":null,)"
            R"("createdAt":"2023-11-14T22:13:20Z","updatedAt":"2023-11-14T22:13:20.005Z"},)"
            R"("session":{"id":"session-id","userId":"user-id","expires":"2023-11-15T22:13:20Z",)"
            R"("sessionToken":"token"}})");
}

TEST(JsonTest, HoldsEveryFieldOfTheMessages) {
  client::UserSession ana = Ana();
  ana.user.mutable_email_verified()->set_seconds(1);
  const auto names = [](const std::string& json, const google::protobuf::Descriptor* message) {
    for (int i = 0; i < message->field_count(); ++i) {
      EXPECT_THAT(json, ::testing::HasSubstr("\"" + message->field(i)->json_name() + "\":\""));
    }
  };
  names(ToJson(ana), v1::User::descriptor());
  names(ToJson(ana), v1::Session::descriptor());
}

TEST(JsonTest, ATokenThatWasNotIssuedIsLeftOut) {
  client::UserSession ana = Ana();
  ana.session.clear_session_token();
  EXPECT_THAT(ToJson(ana), ::testing::Not(::testing::HasSubstr("sessionToken")));
}

TEST(JsonTest, AnyTextSurvives) {
  std::string text = "quote \" backslash \\ é 日本 \x7F";
  for (char c = 0; c < 0x20; ++c) text += c;
  google::protobuf::Value value;
  const std::string json = JsonString(text);
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &value).ok()) << json;
  EXPECT_EQ(value.string_value(), text);
}

TEST(JsonTest, AFailureTellsAllItHas) {
  absl::Status failure =
      client::RefusedWith(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_FIELDS);
  google::rpc::BadRequest bad_request;
  bad_request.add_field_violations()->set_field("email");
  bad_request.mutable_field_violations(0)->set_reason("EMAIL_MALFORMED");
  bad_request.mutable_field_violations(0)->set_description("Give an address");
  failure.SetPayload("type.googleapis.com/google.rpc.BadRequest",
                     absl::Cord(bad_request.SerializeAsString()));
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(500'000'000);
  failure.SetPayload("type.googleapis.com/google.rpc.RetryInfo",
                     absl::Cord(retry.SerializeAsString()));
  failure.SetPayload(client::kTraceIdPayload, absl::Cord("trace-id"));
  EXPECT_EQ(ToJson(failure, {.request_id = "request-id", .hint = "Try again"}),
            R"({"error":{"code":"INVALID_ARGUMENT","reason":"INVALID_FIELDS",)"
            R"("message":"INVALID_FIELDS","fieldViolations":[{"field":"email",)"
            R"("reason":"EMAIL_MALFORMED","description":"Give an address"}],)"
            R"("retryAfter":"0.500s","requestId":"request-id","hint":"Try again",)"
            R"("traceId":"trace-id"}})");
  EXPECT_EQ(ToJson(absl::UnavailableError("no connection"), FailureNotes()),
            R"({"error":{"code":"UNAVAILABLE","message":"no connection"}})");
}

}  // namespace
}  // namespace auth::authctl
