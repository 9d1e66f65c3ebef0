#include "server/rpc/auth_calls.h"

#include <gtest/gtest.h>

#include "server/account/errors.h"

namespace auth::rpc {
namespace {

using account::GetErrorDetails;
using account::Reason;

class AuthCallsTest : public ::testing::Test {
 protected:
  // What a caller is told whose call is given up while its statement runs.
  template <typename Response, typename Request>
  absl::Status GivenUp(Request request) const {
    Response response;
    return calls_.Prepare(&request, &response).info.outcome_unknown;
  }

  const account::AccountServices services_{};
  const AuthCalls calls_{&services_};
};

TEST_F(AuthCallsTest, WhoIsGivenUpInAWriteLearnsWhetherToRepeatIt) {
  v1::RegisterRequest registration;
  absl::Status status = GivenUp<v1::RegisterResponse>(registration);
  EXPECT_EQ(GetErrorDetails(status).reason, Reason::kOutcomeUnknown);
  EXPECT_TRUE(absl::IsUnknown(status)) << "a repeat might find the address taken";
  registration.set_request_id("018f0000-0000-7000-8000-000000000000");
  status = GivenUp<v1::RegisterResponse>(registration);
  EXPECT_EQ(GetErrorDetails(status).reason, Reason::kOutcomeUnknown);
  EXPECT_TRUE(absl::IsUnavailable(status));

  for (const absl::Status& repeatable : {GivenUp<v1::SignInResponse>(v1::SignInRequest()),
                                         GivenUp<v1::SignOutResponse>(v1::SignOutRequest())}) {
    EXPECT_EQ(GetErrorDetails(repeatable).reason, Reason::kOutcomeUnknown);
    EXPECT_TRUE(absl::IsUnavailable(repeatable));
  }
}

TEST_F(AuthCallsTest, WhoIsGivenUpInAReadHasLostNothing) {
  for (const absl::Status& status :
       {GivenUp<v1::ValidateSessionResponse>(v1::ValidateSessionRequest()),
        GivenUp<v1::GetUserResponse>(v1::GetUserRequest())}) {
    EXPECT_EQ(GetErrorDetails(status).reason, Reason::kShuttingDown);
  }
}

}  // namespace
}  // namespace auth::rpc
