#include "server/account/register_user.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/unit/account/use_case_fixture.h"

namespace auth::account {
namespace {

using auth::testing::IsOk;
using auth::testing::StatusIs;
using ::testing::ElementsAre;

constexpr char kEmail[] = "Ann@Example.com";
constexpr char kKey[] = "ann@example.com";
constexpr char kPassword[] = "SecurePass123";
constexpr char kRequestId[] = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F";

class RegisterUserTest : public UseCaseTest {
 protected:
  absl::StatusOr<SignedIn> Register(const std::string& email, const std::string& password,
                                    const std::string& request_id = "") {
    RegisterUser operation(&services_, {email, Secret::CopyOf(password), request_id});
    stages_ = Drive(&operation);
    return operation.result();
  }

  Reason ReasonOf(const absl::StatusOr<SignedIn>& result) {
    EXPECT_FALSE(result.ok());
    return GetErrorDetails(result.status()).reason;
  }

  // "email EMAIL_MALFORMED", … of a refused registration.
  std::vector<std::string> ViolationsOf(const std::string& email, const std::string& password,
                                        const std::string& request_id = "") {
    const auto result = Register(email, password, request_id);
    EXPECT_THAT(result, StatusIs(absl::StatusCode::kInvalidArgument));
    std::vector<std::string> violations;
    for (const FieldViolation& violation : GetErrorDetails(result.status()).violations) {
      violations.push_back(violation.field + " " + std::string(Name(violation.violation)));
    }
    EXPECT_EQ(store_.calls(), 0);
    EXPECT_EQ(hasher_->computations(), 0);
    return violations;
  }

  std::string stages_;
};

TEST_F(RegisterUserTest, AnswersTheStoredUserAndASession) {
  clock_.StepWallClock(Duration(123'456'789));
  const auto result = Register(kEmail, kPassword);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(stages_, "HS");
  EXPECT_EQ(hasher_->computations(), 1);
  EXPECT_EQ(result->user.email, kEmail);
  EXPECT_FALSE(result->user.email_verified.has_value());
  const WallTime now = std::chrono::floor<std::chrono::microseconds>(clock_.Now());
  EXPECT_NE(now, clock_.Now()) << "the test needs a time that PostgreSQL cannot store";
  EXPECT_EQ(result->user.created_at, now);
  EXPECT_EQ(result->user.updated_at, now);
  EXPECT_EQ(result->session.user_id, result->user.id);
  EXPECT_EQ(result->session.expires, now + std::chrono::hours(24));

  const auto stored = store_.Find(kKey);
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->user.id, result->user.id);
  EXPECT_EQ(hasher_->Verify(kPassword, stored->password_hash), absl::StatusOr<bool>(true));
  const auto session =
      store_.FindSession(Context(), Token::Parse(result->session_token)->Hash(), clock_.Now());
  ASSERT_TRUE(session.ok() && session->has_value());
  EXPECT_EQ((*session)->session.id, result->session.id);
}

TEST_F(RegisterUserTest, NamesEveryBadFieldAtOnce) {
  EXPECT_THAT(ViolationsOf("", "", "x"), ElementsAre("email REQUIRED", "password REQUIRED",
                                                     "request_id REQUEST_ID_MALFORMED"));
  EXPECT_THAT(
      ViolationsOf("a@b", "password1", "x"),
      ::testing::UnorderedElementsAre("email EMAIL_MALFORMED", "password PASSWORD_TOO_COMMON",
                                      "request_id REQUEST_ID_MALFORMED"));
  EXPECT_THAT(ViolationsOf(std::string(255, 'a'), std::string(1025, 'a')),
              ElementsAre("email EMAIL_TOO_LONG", "password PASSWORD_TOO_LONG"));
  EXPECT_THAT(ViolationsOf("a@@b.com", "short"),
              ElementsAre("email EMAIL_MALFORMED", "password PASSWORD_TOO_SHORT"));
  EXPECT_THAT(ViolationsOf("a b@b.com", std::string("Secure\0Pass123", 14)),
              ElementsAre("email EMAIL_MALFORMED", "password PASSWORD_MALFORMED"));
  EXPECT_THAT(ViolationsOf("testuser@b.com", "testuser123"),
              ElementsAre("password PASSWORD_TOO_COMMON"));
  EXPECT_EQ(store_.users(), 0u);
}

TEST_F(RegisterUserTest, FindingsOfBeginAreAnsweredByTheFullCheck) {
  RegisterUser operation(&services_, {"", Secret::CopyOf(kPassword), ""});
  EXPECT_EQ(operation.Begin(), Stage::kHash);
  EXPECT_EQ(operation.Run(Context()), Stage::kDone);
  EXPECT_EQ(ReasonOf(operation.result()), Reason::kInvalidFields);
}

TEST_F(RegisterUserTest, AnotherSpellingOfTheAddressIsTaken) {
  ASSERT_THAT(Register(kEmail, kPassword), IsOk());
  const auto result = Register("ann@EXAMPLE。com", kPassword);
  EXPECT_THAT(result, StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(ReasonOf(result), Reason::kEmailAlreadyRegistered);
  EXPECT_EQ(store_.users(), 1u);
}

TEST_F(RegisterUserTest, CallerWhoHasGoneCostsNoHash) {
  cancelled_ = true;
  EXPECT_EQ(ReasonOf(Register(kEmail, kPassword)), Reason::kCancelled);
  EXPECT_EQ(hasher_->computations(), 0);
  EXPECT_EQ(store_.calls(), 0);
}

TEST_F(RegisterUserTest, DeadlineThatHasPassedCostsNoHash) {
  RegisterUser operation(&services_, {kEmail, Secret::CopyOf(kPassword), ""});
  operation.Begin();
  EXPECT_EQ(operation.Run({clock_.Monotonic(), nullptr}), Stage::kDone);
  EXPECT_EQ(ReasonOf(operation.result()), Reason::kDeadlineExceeded);
  EXPECT_EQ(hasher_->computations(), 0);
}

TEST_F(RegisterUserTest, RepeatAnswersTheSameUserWithAFreshSession) {
  const auto first = Register(kEmail, kPassword, kRequestId);
  ASSERT_THAT(first, IsOk());
  clock_.Advance(std::chrono::seconds(5));
  const auto second = Register(kEmail, kPassword, kRequestId);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(stages_, "HSHS");
  EXPECT_EQ(second->user.id, first->user.id);
  EXPECT_EQ(second->user.created_at, first->user.created_at);
  EXPECT_EQ(second->session.user_id, first->user.id);
  EXPECT_NE(second->session.id, first->session.id);
  EXPECT_NE(second->session_token, first->session_token);
  EXPECT_EQ(store_.users(), 1u);
  EXPECT_EQ(store_.sessions(), 2u);
}

TEST_F(RegisterUserTest, RepeatInAnotherSpellingIsTheSame) {
  const auto first = Register(kEmail, "pass\u00e9 compos\u00e9", kRequestId);
  ASSERT_THAT(first, IsOk());
  const auto second = Register("ANN@example.com", "passe\u0301\u00a0compose\u0301",
                               "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->user.id, first->user.id);
  EXPECT_EQ(second->user.email, kEmail) << "as it was registered";
}

TEST_F(RegisterUserTest, RequestIdOfAnotherRegistrationConflicts) {
  ASSERT_THAT(Register(kEmail, kPassword, kRequestId), IsOk());
  const auto other_email = Register("bob@example.com", kPassword, kRequestId);
  EXPECT_THAT(other_email, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ReasonOf(other_email), Reason::kRequestIdConflict);
  EXPECT_EQ(stages_, "HS") << "no password is verified for another address";
  EXPECT_EQ(ReasonOf(Register(kEmail, "SecurePass124", kRequestId)), Reason::kRequestIdConflict);
  EXPECT_EQ(ReasonOf(Register(kEmail, kPassword)), Reason::kEmailAlreadyRegistered);
  store_.SetActive(kKey, false);
  EXPECT_EQ(ReasonOf(Register(kEmail, kPassword, kRequestId)), Reason::kRequestIdConflict);
  EXPECT_EQ(store_.users(), 1u);
  EXPECT_EQ(store_.sessions(), 1u);
}

TEST_F(RegisterUserTest, PasswordThatChangesDuringARepeatWins) {
  ASSERT_THAT(Register(kEmail, kPassword, kRequestId), IsOk());
  RegisterUser repeat(&services_, {kEmail, Secret::CopyOf(kPassword), kRequestId});
  repeat.Begin();
  repeat.Run(Context());
  repeat.Run(Context());
  ASSERT_EQ(repeat.Run(Context()), Stage::kStore);  // verified
  store_.SetPasswordHash(kKey, *hasher_->Hash("another one"));
  EXPECT_EQ(repeat.Run(Context()), Stage::kDone);
  EXPECT_EQ(ReasonOf(repeat.result()), Reason::kRequestIdConflict);
  EXPECT_EQ(store_.sessions(), 1u);
}

TEST_F(RegisterUserTest, RepeatsAreLimitedLikeSignIns) {
  ASSERT_THAT(Register(kEmail, kPassword, kRequestId), IsOk());
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ReasonOf(Register(kEmail, "Guess number " + std::to_string(i), kRequestId)),
              Reason::kRequestIdConflict);
  }
  const auto computations = hasher_->computations();
  const auto result = Register(kEmail, kPassword, kRequestId);
  EXPECT_EQ(ReasonOf(result), Reason::kRateLimited);
  EXPECT_EQ(GetErrorDetails(result.status()).retry_after, std::chrono::seconds(6));
  EXPECT_EQ(hasher_->computations(), computations + 1) << "the hash of its own, no verification";
}

TEST_F(RegisterUserTest, RepeatOfACallerWhoHasGoneIsNotVerified) {
  ASSERT_THAT(Register(kEmail, kPassword, kRequestId), IsOk());
  RegisterUser repeat(&services_, {kEmail, Secret::CopyOf(kPassword), kRequestId});
  repeat.Begin();
  repeat.Run(Context());
  ASSERT_EQ(repeat.Run(Context()), Stage::kHash);
  const auto computations = hasher_->computations();
  cancelled_ = true;
  EXPECT_EQ(repeat.Run(Context()), Stage::kDone);
  EXPECT_EQ(ReasonOf(repeat.result()), Reason::kCancelled);
  EXPECT_EQ(hasher_->computations(), computations);
}

TEST_F(RegisterUserTest, UnknownOutcomeIsUnavailableOnlyIfARepeatIsSafe) {
  store_.FailNextCall(MakeError(Reason::kOutcomeUnknown));
  EXPECT_THAT(Register(kEmail, kPassword), StatusIs(absl::StatusCode::kUnknown));
  store_.FailNextCall(MakeError(Reason::kOutcomeUnknown));
  const auto repeatable = Register(kEmail, kPassword, kRequestId);
  EXPECT_THAT(repeatable, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ReasonOf(repeatable), Reason::kOutcomeUnknown);
}

TEST_F(RegisterUserTest, ErrorsOfTheStoreAreAnswered) {
  store_.FailNextCall(MakeError(Reason::kDatabaseUnavailable, std::chrono::seconds(2)));
  const auto result = Register(kEmail, kPassword);
  EXPECT_EQ(ReasonOf(result), Reason::kDatabaseUnavailable);
  EXPECT_EQ(GetErrorDetails(result.status()).retry_after, std::chrono::seconds(2));
}

TEST_F(RegisterUserTest, StoredHashThatCannotBeReadIsAnInternalError) {
  ASSERT_THAT(Register(kEmail, kPassword, kRequestId), IsOk());
  store_.SetPasswordHash(kKey, "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$AAAA");
  const auto result = Register(kEmail, kPassword, kRequestId);
  EXPECT_EQ(ReasonOf(result), Reason::kInternal);
  EXPECT_EQ(InternalCause(result.status()), "The stored hash is no Argon2id within the bounds.");
}

TEST_F(RegisterUserTest, NoErrorRepeatsWhatTheCallerSent) {
  ASSERT_THAT(Register(kEmail, kPassword, kRequestId), IsOk());
  for (const auto& result :
       {Register(kEmail, kPassword), Register(kEmail, "hunter2"),
        Register("canary@", "canary-canary"), Register(kEmail, "SecurePass124", kRequestId)}) {
    ASSERT_FALSE(result.ok());
    std::string text = result.status().ToString();
    for (const std::string sent : {"Ann@", "ann@", "Secure", "hunter2", "canary", "017F", "017f"}) {
      EXPECT_EQ(text.find(sent), std::string::npos) << text;
    }
  }
}

}  // namespace
}  // namespace auth::account
