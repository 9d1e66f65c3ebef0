// The main job, through the real server on a real PostgreSQL.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

using ::testing::UnorderedElementsAre;

constexpr std::chrono::seconds kTimeout(10);
constexpr char kRequestId[] = "0190a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2b";

class RegistrationTest : public PostgresTest {
 protected:
  RegistrationTest() : url_(postgres().CreateDatabase()), database_(url_) {}

  AuthServerProcess StartServer(std::vector<std::string> flags = {}) {
    flags.push_back("--database-url=" + url_);
    auto server = AuthServerProcess::Start(flags);
    if (!server.ok()) throw std::runtime_error(server.status().ToString());
    return *std::move(server);
  }

  const std::string url_;
  SqlConnection database_;
};

std::vector<std::string> ViolatedFields(const grpc::Status& status) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  std::vector<std::string> fields;
  for (const auto& detail : details.details()) {
    google::rpc::BadRequest bad_request;
    if (!detail.UnpackTo(&bad_request)) continue;
    for (const auto& violation : bad_request.field_violations()) {
      fields.push_back(violation.field() + " " + violation.reason());
    }
  }
  return fields;
}

TEST_F(RegistrationTest, RegistersSignsInValidatesAndSignsOut) {
  const AuthServerProcess server = StartServer();
  const auto stub = NewPlainStub(server.grpc_address());

  const auto registered = Register(stub.get(), "Ada@Example.com", "", kTimeout);
  ASSERT_TRUE(registered.status.ok()) << registered.status.error_message();
  EXPECT_EQ(registered.response.user().email(), "Ada@Example.com");
  EXPECT_FALSE(registered.response.user().has_email_verified());
  EXPECT_EQ(registered.response.session().session_token().size(), 43u);
  EXPECT_EQ(registered.response.session().user_id(), registered.response.user().id());

  v1::SignInRequest sign_in;
  sign_in.set_email("ada@EXAMPLE.com");
  sign_in.set_password(kGoodPassword);
  v1::SignInResponse signed_in;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->SignIn(&context, sign_in, &signed_in).ok());
  }
  EXPECT_EQ(signed_in.user().id(), registered.response.user().id());

  v1::ValidateSessionRequest validate;
  validate.set_session_token(signed_in.session().session_token());
  v1::ValidateSessionResponse validated;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->ValidateSession(&context, validate, &validated).ok());
  }
  EXPECT_EQ(validated.user().email(), "Ada@Example.com");
  EXPECT_EQ(validated.session().session_token(), "") << "a token is shown only once";

  v1::SignOutRequest sign_out;
  sign_out.set_session_token(signed_in.session().session_token());
  for (int i = 0; i < 2; ++i) {
    grpc::ClientContext context;
    v1::SignOutResponse response;
    EXPECT_TRUE(stub->SignOut(&context, sign_out, &response).ok());
  }
  grpc::ClientContext context;
  const grpc::Status refused = stub->ValidateSession(&context, validate, &validated);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(refused), "SESSION_INVALID");

  EXPECT_EQ(database_.QueryValue("SELECT password_hash FROM users").substr(0, 31),
            "$argon2id$v=19$m=19456,t=2,p=1$");
}

TEST_F(RegistrationTest, SecondRegistrationOfAnAddressIsRefused) {
  const AuthServerProcess server = StartServer();
  const auto stub = NewPlainStub(server.grpc_address());
  ASSERT_TRUE(Register(stub.get(), "bob@example.com", "", kTimeout).status.ok());
  const auto second = Register(stub.get(), "BOB@example.com", "", kTimeout);
  EXPECT_EQ(second.status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(ReasonOf(second.status), "EMAIL_ALREADY_REGISTERED");
  EXPECT_EQ(database_.QueryValue("SELECT count(*) FROM users"), "1");
}

TEST_F(RegistrationTest, AllBadFieldsAreNamedAtOnceAndNothingIsStored) {
  const AuthServerProcess server = StartServer();
  const auto stub = NewPlainStub(server.grpc_address());
  v1::RegisterRequest request;
  request.set_email("no-at-sign");
  request.set_password("short");
  request.set_request_id("not-a-uuid");
  v1::RegisterResponse response;
  grpc::ClientContext context;
  const grpc::Status status = stub->Register(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "INVALID_FIELDS");
  EXPECT_THAT(ViolatedFields(status),
              UnorderedElementsAre("email EMAIL_MALFORMED", "password PASSWORD_TOO_SHORT",
                                   "request_id REQUEST_ID_MALFORMED"));
  EXPECT_EQ(database_.QueryValue("SELECT count(*) FROM users"), "0");
}

TEST_F(RegistrationTest, RequestIdAnswersTheSameUserOnEveryServer) {
  const AuthServerProcess first = StartServer({"--rate-limit=off"});
  const AuthServerProcess second = StartServer({"--rate-limit=off"});
  constexpr int kCallers = 50;
  std::vector<std::thread> callers;
  std::vector<RegisterAttempt> attempts(kCallers);
  for (size_t i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] {
      const auto stub = NewPlainStub(i % 2 == 0 ? first.grpc_address() : second.grpc_address());
      attempts[i] = Register(stub.get(), "many@example.com", kRequestId, std::chrono::seconds(15));
    });
  }
  for (std::thread& caller : callers) caller.join();

  for (const RegisterAttempt& attempt : attempts) {
    ASSERT_TRUE(attempt.status.ok()) << attempt.status.error_message();
    EXPECT_EQ(attempt.response.user().id(), attempts[0].response.user().id());
  }
  EXPECT_EQ(database_.QueryValue("SELECT count(*) FROM users"), "1");
  EXPECT_EQ(database_.QueryValue("SELECT count(*) FROM sessions"), std::to_string(kCallers));
}

TEST_F(RegistrationTest, RequestIdOfAnotherRegistrationIsAConflict) {
  const AuthServerProcess server = StartServer();
  const auto stub = NewPlainStub(server.grpc_address());
  ASSERT_TRUE(Register(stub.get(), "carol@example.com", kRequestId, kTimeout).status.ok());
  const auto other = Register(stub.get(), "dave@example.com", kRequestId, kTimeout);
  EXPECT_EQ(other.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(other.status), "REQUEST_ID_CONFLICT");
  EXPECT_EQ(database_.QueryValue("SELECT count(*) FROM users"), "1");
}

}  // namespace
}  // namespace auth::testing
