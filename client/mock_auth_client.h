#pragma once

#include <gmock/gmock.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "client/auth_client.h"
#include "client/errors.h"
#include "google/rpc/error_details.pb.h"

namespace auth::client {

// An AuthClient for the tests of code that uses one. Header only: link GTest::gmock beside
// AuthClient::auth_client. Expect the functions with options; those without call them.
//
//   MockAuthClient client;
//   EXPECT_CALL(client, Register("ana@example.com", _, _))
//       .WillOnce(Return(RefusedWith(absl::StatusCode::kAlreadyExists,
//                                    v1::ERROR_REASON_EMAIL_ALREADY_REGISTERED)));
class MockAuthClient : public AuthClient {
 public:
  using AuthClient::GetUser;
  using AuthClient::Register;
  using AuthClient::SignIn;
  using AuthClient::SignOut;
  using AuthClient::ValidateSession;

  MOCK_METHOD(absl::StatusOr<UserSession>, Register,
              (const std::string& email, const std::string& password,
               const RegisterOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<UserSession>, SignIn,
              (const std::string& email, const std::string& password, const CallOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<UserSession>, ValidateSession,
              (const std::string& session_token, const CallOptions& options), (override));
  MOCK_METHOD(absl::Status, SignOut, (const std::string& session_token, const CallOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::User>, GetUser,
              (const std::string& session_token, const CallOptions& options), (override));
};

// A failure as a client answers it: ReasonOf reads `reason` from it.
inline absl::Status RefusedWith(absl::StatusCode code, v1::ErrorReason reason) {
  constexpr size_t kPrefix = sizeof("ERROR_REASON_") - 1;
  google::rpc::ErrorInfo info;
  info.set_domain("auth.v1");
  info.set_reason(v1::ErrorReason_Name(reason).substr(kPrefix));
  absl::Status status(code, info.reason());
  status.SetPayload("type.googleapis.com/google.rpc.ErrorInfo",
                    absl::Cord(info.SerializeAsString()));
  return status;
}

}  // namespace auth::client
