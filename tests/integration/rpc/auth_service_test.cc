#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/integration/rpc/test_server.h"

namespace auth::rpc {
namespace {

using grpc::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class AuthServiceTest : public ::testing::Test {
 protected:
  std::string UserOf(const std::string& token, StatusCode expected = StatusCode::OK) {
    v1::GetUserRequest request;
    request.set_session_token(token);
    v1::GetUserResponse response;
    grpc::ClientContext context;
    EXPECT_EQ(stub_->GetUser(&context, request, &response).error_code(), expected);
    return response.user().id();
  }

  Answer<v1::SignInResponse> SignIn(const std::string& email, const std::string& password) {
    v1::SignInRequest request;
    request.set_email(email);
    request.set_password(password);
    grpc::ClientContext context;
    Answer<v1::SignInResponse> answer;
    answer.status = stub_->SignIn(&context, request, &answer.response);
    return answer;
  }

  grpc::Status SignOut(const std::string& token) {
    v1::SignOutRequest request;
    request.set_session_token(token);
    v1::SignOutResponse response;
    grpc::ClientContext context;
    return stub_->SignOut(&context, request, &response);
  }

  TestServer server_;
  std::unique_ptr<v1::AuthService::Stub> stub_ = server_.NewStub();
};

TEST_F(AuthServiceTest, AUserLivesThroughEveryCall) {
  const auto registered = Register(stub_.get(), "Ada@example.com");
  ASSERT_TRUE(registered.status.ok()) << registered.status.error_message();
  const v1::User& user = registered.response.user();
  const std::string& token = registered.response.session().session_token();
  EXPECT_THAT(user.id(), SizeIs(36));
  EXPECT_EQ(user.email(), "Ada@example.com");
  EXPECT_FALSE(user.has_email_verified());
  EXPECT_EQ(registered.response.session().user_id(), user.id());
  EXPECT_THAT(token, SizeIs(43));
  EXPECT_GT(registered.response.session().expires().seconds(), user.created_at().seconds());

  const auto valid = Validate(stub_.get(), token);
  ASSERT_TRUE(valid.status.ok());
  EXPECT_EQ(valid.response.user().id(), user.id());
  EXPECT_EQ(valid.response.session().id(), registered.response.session().id());
  EXPECT_EQ(valid.response.session().session_token(), "") << "only the issuing answer has it";
  EXPECT_EQ(UserOf(token), user.id());

  const auto signed_in = SignIn("Ada@example.com", kPassword);
  ASSERT_TRUE(signed_in.status.ok()) << signed_in.status.error_message();
  EXPECT_EQ(signed_in.response.user().id(), user.id());
  EXPECT_NE(signed_in.response.session().session_token(), token);

  EXPECT_TRUE(SignOut(token).ok());
  EXPECT_TRUE(SignOut(token).ok()) << "again";
  EXPECT_EQ(ReasonOf(Validate(stub_.get(), token).status), "SESSION_INVALID");
  UserOf(token, StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(UserOf(signed_in.response.session().session_token()), user.id());
}

TEST_F(AuthServiceTest, EveryBadFieldIsNamedAtOnceAndNothingIsStored) {
  const auto answer = Register(stub_.get(), "no-at-sign", "short", "no-uuid");
  EXPECT_EQ(answer.status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(answer.status), "INVALID_FIELDS");
  const auto bad = FindDetail<google::rpc::BadRequest>(answer.status);
  ASSERT_TRUE(bad.has_value());
  std::vector<std::string> fields;
  for (const auto& violation : bad->field_violations()) {
    fields.push_back(violation.field() + " " + violation.reason());
    EXPECT_FALSE(violation.description().empty());
  }
  EXPECT_THAT(fields, UnorderedElementsAre("email EMAIL_MALFORMED", "password PASSWORD_TOO_SHORT",
                                           "request_id REQUEST_ID_MALFORMED"));
  EXPECT_EQ(server_.store.users(), 0u);
}

TEST_F(AuthServiceTest, NulBytesAreRefusedInEveryField) {
  const std::string nul(1, '\0');
  const auto answer = Register(stub_.get(), "a" + nul + "@example.com", kPassword + nul, "x" + nul);
  EXPECT_EQ(answer.status.error_code(), StatusCode::INVALID_ARGUMENT);
  const auto bad = FindDetail<google::rpc::BadRequest>(answer.status);
  ASSERT_TRUE(bad.has_value());
  EXPECT_EQ(bad->field_violations_size(), 3);
  EXPECT_EQ(ReasonOf(Validate(stub_.get(), std::string(43, '\0')).status), "SESSION_INVALID");
  EXPECT_EQ(server_.store.users(), 0u);
}

TEST_F(AuthServiceTest, WrongPasswordAndUnknownAddressGetTheSameBytes) {
  ASSERT_TRUE(Register(stub_.get(), "ada@example.com").status.ok());
  const grpc::Status wrong = SignIn("ada@example.com", "WrongPassword9").status;
  const grpc::Status unknown = SignIn("eve@example.com", "WrongPassword9").status;
  EXPECT_EQ(ReasonOf(wrong), "INVALID_CREDENTIALS");
  EXPECT_EQ(wrong.error_code(), unknown.error_code());
  EXPECT_EQ(wrong.error_message(), unknown.error_message());
  EXPECT_EQ(wrong.error_details(), unknown.error_details());
}

TEST_F(AuthServiceTest, TooManyAttemptsAreToldWhenToComeBack) {
  grpc::Status status;
  for (int i = 0; i < 10; ++i) status = SignIn("ada@example.com", "WrongPassword9").status;
  EXPECT_EQ(ReasonOf(status), "INVALID_CREDENTIALS");

  v1::SignInRequest request;
  request.set_email("ada@example.com");
  request.set_password(kPassword);
  v1::SignInResponse response;
  grpc::ClientContext context;
  status = stub_->SignIn(&context, request, &response);
  EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(status), "RATE_LIMITED");
  const auto retry = FindDetail<google::rpc::RetryInfo>(status);
  ASSERT_TRUE(retry.has_value());
  EXPECT_LE(retry->retry_delay().seconds(), 6);
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto pushback = trailers.find("grpc-retry-pushback-ms");
  ASSERT_NE(pushback, trailers.end()) << "a client that retries by itself would try more often";
  const int milliseconds = std::stoi(std::string(pushback->second.data(), pushback->second.size()));
  EXPECT_GT(milliseconds, 0);
  EXPECT_LE(milliseconds, 6000);
}

TEST_F(AuthServiceTest, ATakenAddressIsAlreadyExists) {
  ASSERT_TRUE(Register(stub_.get(), "ada@example.com").status.ok());
  const auto again = Register(stub_.get(), "ada@example.com");
  EXPECT_EQ(again.status.error_code(), StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(ReasonOf(again.status), "EMAIL_ALREADY_REGISTERED");
}

TEST_F(AuthServiceTest, EveryCallIsRecordedByNameWithoutItsContent) {
  const auto registered = Register(stub_.get(), "ada@example.com");
  SignIn("ada@example.com", kPassword);
  Validate(stub_.get(), registered.response.session().session_token());
  UserOf(registered.response.session().session_token());
  SignOut(registered.response.session().session_token());
  std::vector<std::string> names;
  for (const ops::CallRecord& record : server_.recorder.records()) {
    names.emplace_back(record.rpc);
    EXPECT_EQ(record.code, "OK");
    EXPECT_THAT(record.peer, AllOf(HasSubstr("127.0.0.1")));
    EXPECT_THAT(record.request_id, SizeIs(36)) << "made by the server";
    EXPECT_EQ(record.trace.trace_id, "");
    EXPECT_EQ(record.caller, "");
    EXPECT_EQ(record.db_attempts, record.rpc == "SignIn" ? 2 : 1);
    EXPECT_GT(record.duration, Duration::zero());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"Register", "SignIn", "ValidateSession", "GetUser",
                                             "SignOut"}));
}

}  // namespace
}  // namespace auth::rpc
