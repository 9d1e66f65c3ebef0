#include "client/auth_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "client/errors.h"
#include "client/request_id.h"
#include "client/trace_context.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/client/fake_auth_server.h"

namespace auth::client {
namespace {

using auth::testing::FakeAuthServer;
using auth::testing::IsOk;
using auth::testing::kSessionId;
using auth::testing::kSessionToken;
using auth::testing::kUserId;
using auth::testing::ServiceError;
using auth::testing::StatusIs;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

grpc::Status Unavailable() {
  return ServiceError(grpc::StatusCode::UNAVAILABLE, "DATABASE_UNAVAILABLE", "not just now");
}

class AuthClientTest : public ::testing::Test {
 protected:
  AuthClientTest() : client_(MakeClient({.channel = {.target = server_.address()}})) {}

  static std::unique_ptr<AuthClient> MakeClient(const AuthClientOptions& options) {
    auto client = MakeAuthClient(options);
    EXPECT_THAT(client, IsOk());
    return client.ok() ? *std::move(client) : nullptr;
  }

  FakeAuthServer server_;
  const std::unique_ptr<AuthClient> client_;
};

TEST_F(AuthClientTest, EveryCallAnswersWhatTheServerSaid) {
  const auto registered = client_->Register("ana@example.com", "a good password");
  ASSERT_THAT(registered, IsOk());
  EXPECT_EQ(registered->user.id(), kUserId);
  EXPECT_EQ(registered->user.email(), "ana@example.com");
  EXPECT_EQ(registered->session.session_token(), kSessionToken);
  ASSERT_EQ(server_.registrations().size(), 1u);
  EXPECT_EQ(server_.registrations()[0].password(), "a good password");

  const auto signed_in = client_->SignIn("ana@example.com", "a good password");
  ASSERT_THAT(signed_in, IsOk());
  EXPECT_EQ(signed_in->session.session_token(), kSessionToken);

  const auto valid = client_->ValidateSession(kSessionToken);
  ASSERT_THAT(valid, IsOk());
  EXPECT_EQ(valid->session.id(), kSessionId);
  EXPECT_EQ(valid->user.id(), kUserId);

  const auto user = client_->GetUser(kSessionToken);
  ASSERT_THAT(user, IsOk());
  EXPECT_EQ(user->id(), kUserId);

  EXPECT_THAT(client_->SignOut(kSessionToken), IsOk());
}

TEST_F(AuthClientTest, RegisterIsRepeatedWithTheSameRequestId) {
  server_.AnswerNext(Unavailable(), 3);
  ASSERT_THAT(client_->Register("ana@example.com", "a good password"), IsOk());

  const auto attempts = server_.registrations();
  ASSERT_EQ(attempts.size(), 4u);
  EXPECT_EQ(attempts[0].request_id().size(), 36u);
  for (const auto& attempt : attempts) {
    EXPECT_EQ(attempt.SerializeAsString(), attempts[0].SerializeAsString());
  }
}

TEST_F(AuthClientTest, EveryRegistrationHasARequestIdOfItsOwnOrTheCallers) {
  const std::string mine = NewRequestId();
  ASSERT_THAT(client_->Register("ana@example.com", "a good password"), IsOk());
  ASSERT_THAT(client_->Register("ana@example.com", "a good password"), IsOk());
  ASSERT_THAT(client_->Register("ana@example.com", "a good password", {.request_id = mine}),
              IsOk());
  const auto registrations = server_.registrations();
  ASSERT_EQ(registrations.size(), 3u);
  EXPECT_NE(registrations[0].request_id(), registrations[1].request_id());
  EXPECT_EQ(registrations[2].request_id(), mine);
}

TEST_F(AuthClientTest, EveryOtherCallIsRepeatedWhenUnavailable) {
  int calls = 0;
  const auto expect_one_repeat = [&](const absl::Status& status) {
    EXPECT_THAT(status, IsOk());
    calls += 2;
    EXPECT_EQ(server_.calls(), calls);
  };
  server_.AnswerNext(Unavailable());
  expect_one_repeat(client_->SignIn("ana@example.com", "a good password").status());
  server_.AnswerNext(Unavailable());
  expect_one_repeat(client_->ValidateSession(kSessionToken).status());
  server_.AnswerNext(Unavailable());
  expect_one_repeat(client_->GetUser(kSessionToken).status());
  server_.AnswerNext(Unavailable());
  expect_one_repeat(client_->SignOut(kSessionToken));
}

TEST_F(AuthClientTest, NothingButUnavailableIsRepeated) {
  int calls = 0;
  for (const grpc::StatusCode code :
       {grpc::StatusCode::ALREADY_EXISTS, grpc::StatusCode::INVALID_ARGUMENT,
        grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::DEADLINE_EXCEEDED,
        grpc::StatusCode::UNKNOWN, grpc::StatusCode::INTERNAL, grpc::StatusCode::ABORTED}) {
    server_.AnswerNext(ServiceError(code, "INTERNAL", "no"));
    EXPECT_EQ(client_->Register("ana@example.com", "a good password").status().raw_code(), code);
    EXPECT_EQ(server_.calls(), ++calls);
  }
}

TEST_F(AuthClientTest, AnOutageIsGivenUpAfterFiveAttempts) {
  server_.AnswerNext(Unavailable(), 100);
  const auto registered = client_->Register("ana@example.com", "a good password");
  EXPECT_THAT(registered, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ReasonOf(registered.status()), v1::ERROR_REASON_DATABASE_UNAVAILABLE);
  EXPECT_EQ(server_.calls(), 5);
}

TEST_F(AuthClientTest, TheServerDecidesWhenACallIsRepeated) {
  server_.PushBack(milliseconds(700));  // gRPC's own first pause is 100 ms
  server_.AnswerNext(Unavailable());
  const auto start = steady_clock::now();
  EXPECT_THAT(client_->SignOut(kSessionToken), IsOk());
  EXPECT_GE(steady_clock::now() - start, milliseconds(690));
  EXPECT_EQ(server_.calls(), 2);
}

TEST_F(AuthClientTest, ALongOutageStopsTheRepeats) {
  server_.AnswerNext(Unavailable(), 1000);
  // Of 100 tokens every failed attempt takes one, and no call is repeated below 50.
  std::vector<std::thread> threads;
  for (int i = 0; i < 11; ++i) {
    threads.emplace_back([this] { (void)client_->SignOut(kSessionToken); });
  }
  for (std::thread& thread : threads) thread.join();
  const int before = server_.calls();
  EXPECT_THAT(client_->SignOut(kSessionToken), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(server_.calls(), before + 1);
}

TEST_F(AuthClientTest, RefusalsKeepTheirDetails) {
  google::rpc::BadRequest bad_request;
  bad_request.add_field_violations()->set_field("password");
  bad_request.mutable_field_violations(0)->set_reason("PASSWORD_TOO_SHORT");
  server_.AnswerNext(ServiceError(grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELDS",
                                  "Correct the fields", {&bad_request}));
  const absl::Status status = client_->Register("ana@example.com", "x").status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(status.message(), "Correct the fields");
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INVALID_FIELDS);
  ASSERT_EQ(FieldViolationsOf(status).size(), 1u);
  EXPECT_EQ(FieldViolationsOf(status)[0].reason, v1::FIELD_VIOLATION_REASON_PASSWORD_TOO_SHORT);

  EXPECT_EQ(ReasonOf(client_->GetUser("another token").status()), v1::ERROR_REASON_SESSION_INVALID);
}

TEST_F(AuthClientTest, TheCallersTimeoutAndTheDefaultOneEndACall) {
  server_.HoldCalls();
  const auto impatient =
      MakeClient({.channel = {.target = server_.address()}, .default_timeout = milliseconds(200)});
  auto start = steady_clock::now();
  EXPECT_THAT(impatient->ValidateSession(kSessionToken),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_GE(steady_clock::now() - start, milliseconds(190));
  EXPECT_LT(steady_clock::now() - start, seconds(5));

  start = steady_clock::now();
  EXPECT_THAT(
      client_->Register("ana@example.com", "a good password", {.timeout = milliseconds(200)}),
      StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_LT(steady_clock::now() - start, seconds(5));
}

TEST_F(AuthClientTest, TheTimeoutBoundsAllRepeatsTogether) {
  server_.AnswerNext(Unavailable(), 3);
  server_.HoldCalls();
  const auto start = steady_clock::now();
  EXPECT_THAT(client_->SignOut(kSessionToken, {.timeout = seconds(2)}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_LT(steady_clock::now() - start, seconds(5));
  EXPECT_EQ(server_.calls(), 4);
}

TEST_F(AuthClientTest, EveryCallHasATraceOfItsOwnWhichItsRepeatsShare) {
  server_.AnswerNext(Unavailable());
  ASSERT_THAT(client_->SignOut(kSessionToken), IsOk());
  ASSERT_THAT(client_->GetUser(kSessionToken), IsOk());
  const std::vector<std::string> traceparents = server_.traceparents();
  ASSERT_EQ(traceparents.size(), 3u);
  EXPECT_EQ(traceparents[0], traceparents[1]);
  EXPECT_EQ(TraceIdOf(traceparents[0]).size(), 32u);
  EXPECT_THAT(traceparents[0], ::testing::EndsWith("-00"));
  EXPECT_NE(TraceIdOf(traceparents[0]), TraceIdOf(traceparents[2]));
}

TEST_F(AuthClientTest, ACallBelongsToTheCallersTraceAndSoDoesItsFailure) {
  const std::string mine = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  ASSERT_THAT(client_->SignOut(kSessionToken, {.traceparent = mine}), IsOk());
  const absl::Status refused =
      client_->ValidateSession("another token", {.traceparent = mine}).status();
  EXPECT_EQ(TraceIdOf(refused), "0af7651916cd43dd8448eb211c80319c");
  ASSERT_THAT(client_->Register("ana@example.com", "a good password", {.traceparent = mine}),
              IsOk());
  EXPECT_THAT(server_.traceparents(), ::testing::ElementsAre(mine, mine, mine));
}

TEST_F(AuthClientTest, ATraceparentThatIsNoneIsReplaced) {
  for (const std::string bad : {"nonsense", "00-0-0-00", "line\nbreak"}) {
    ASSERT_THAT(client_->SignOut(kSessionToken, {.traceparent = bad}), IsOk());
    EXPECT_EQ(TraceIdOf(server_.traceparents().back()).size(), 32u);
  }
}

TEST_F(AuthClientTest, AHugeTimeoutIsNotAnOverflow) {
  EXPECT_THAT(client_->SignOut(kSessionToken, {.timeout = std::chrono::nanoseconds::max()}),
              IsOk());
}

TEST_F(AuthClientTest, OneClientServesManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this] {
      for (int call = 0; call < 25; ++call) {
        EXPECT_THAT(client_->Register("ana@example.com", "a good password"), IsOk());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(server_.calls(), 200);
}

TEST(AuthClientWithoutServerTest, SaysUnavailableSoon) {
  std::string address;
  {
    FakeAuthServer server;
    address = server.address();
  }
  const auto client = MakeAuthClient({.channel = {.target = address}});
  ASSERT_THAT(client, IsOk());
  const auto start = steady_clock::now();
  const absl::Status status = (*client)->SignOut(kSessionToken);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_LT(steady_clock::now() - start, seconds(8));
}

TEST(AuthClientWithoutServerTest, WrongOptionsMakeNoClient) {
  EXPECT_THAT(MakeAuthClient({.channel = {.target = "auth.example.com:50051"}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace auth::client
