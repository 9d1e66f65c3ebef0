#include "server/account/sessions.h"

#include <gtest/gtest.h>

#include <string>

#include "server/account/errors.h"
#include "server/account/register_user.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/account/use_case_fixture.h"

namespace auth::account {
namespace {

using auth::testing::IsOk;
using auth::testing::StatusIs;

class SessionsTest : public UseCaseTest {
 protected:
  void SetUp() override {
    RegisterUser operation(&services_, {"ann@example.com", Secret::CopyOf("SecurePass123"), ""});
    Drive(&operation);
    ASSERT_THAT(operation.result(), IsOk());
    ann_ = *operation.result();
  }

  absl::StatusOr<ActiveSession> Validate(const std::string& token) {
    ValidateSession operation(&services_, token);
    stages_ = Drive(&operation);
    return operation.result();
  }

  absl::StatusOr<User> Get(const std::string& token) {
    GetUser operation(&services_, token);
    stages_ = Drive(&operation);
    return operation.result();
  }

  absl::Status SignOutOf(const std::string& token) {
    SignOut operation(&services_, token);
    stages_ = Drive(&operation);
    return operation.result();
  }

  SignedIn ann_;
  std::string stages_;
};

TEST_F(SessionsTest, TokenTellsItsUserInOneCallToTheStore) {
  const int calls = store_.calls();
  const auto session = Validate(ann_.session_token);
  ASSERT_THAT(session, IsOk());
  EXPECT_EQ(stages_, "S");
  EXPECT_EQ(store_.calls(), calls + 1);
  EXPECT_EQ(session->user.id, ann_.user.id);
  EXPECT_EQ(session->user.email, "ann@example.com");
  EXPECT_EQ(session->session.id, ann_.session.id);
  EXPECT_EQ(session->session.expires, ann_.session.expires);
  const auto user = Get(ann_.session_token);
  ASSERT_THAT(user, IsOk());
  EXPECT_EQ(user->id, ann_.user.id);
}

TEST_F(SessionsTest, SessionLastsToItsLastMoment) {
  clock_.Advance(std::chrono::hours(24) - Duration(1000));
  EXPECT_THAT(Validate(ann_.session_token), IsOk());
  clock_.Advance(Duration(1000));
  EXPECT_EQ(GetErrorDetails(Validate(ann_.session_token).status()).reason, Reason::kSessionInvalid);
  EXPECT_EQ(GetErrorDetails(Get(ann_.session_token).status()).reason, Reason::kSessionInvalid);
}

TEST_F(SessionsTest, AnyOtherTokenIsInvalidAndTheMalformedAskNobody) {
  const absl::Status unknown = Validate(Token::New().ToString()).status();
  EXPECT_THAT(unknown, StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(GetErrorDetails(unknown).reason, Reason::kSessionInvalid);
  const int calls = store_.calls();
  for (const std::string& token : {std::string(), std::string("x"), std::string(1 << 14, 'A'),
                                   ann_.session_token + "=", std::string(43, '\0')}) {
    EXPECT_EQ(Validate(token).status(), unknown);
    EXPECT_EQ(Get(token).status(), unknown);
    EXPECT_THAT(SignOutOf(token), IsOk());
    EXPECT_EQ(stages_, "");
  }
  EXPECT_EQ(store_.calls(), calls);
}

TEST_F(SessionsTest, DisabledUserHasNoSession) {
  store_.SetActive("ann@example.com", false);
  EXPECT_EQ(GetErrorDetails(Validate(ann_.session_token).status()).reason, Reason::kSessionInvalid);
}

TEST_F(SessionsTest, SignOutEndsTheSessionAndMayBeRepeated) {
  EXPECT_THAT(SignOutOf(ann_.session_token), IsOk());
  EXPECT_EQ(stages_, "S");
  EXPECT_EQ(store_.sessions(), 0u);
  EXPECT_THAT(SignOutOf(ann_.session_token), IsOk());
  EXPECT_EQ(GetErrorDetails(Validate(ann_.session_token).status()).reason, Reason::kSessionInvalid);
}

TEST_F(SessionsTest, ErrorsOfTheStoreAreAnsweredAndAnUnknownOutcomeMayBeRepeated) {
  store_.FailNextCall(MakeError(Reason::kDatabaseUnavailable));
  EXPECT_EQ(GetErrorDetails(Validate(ann_.session_token).status()).reason,
            Reason::kDatabaseUnavailable);
  store_.FailNextCall(MakeError(Reason::kOverloaded));
  EXPECT_EQ(GetErrorDetails(Get(ann_.session_token).status()).reason, Reason::kOverloaded);
  store_.FailNextCall(MakeError(Reason::kOutcomeUnknown));
  const absl::Status signed_out = SignOutOf(ann_.session_token);
  EXPECT_THAT(signed_out, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(GetErrorDetails(signed_out).reason, Reason::kOutcomeUnknown);
}

}  // namespace
}  // namespace auth::account
