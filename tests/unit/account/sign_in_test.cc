#include "server/account/sign_in.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/account/phc_string.h"
#include "server/account/register_user.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/account/use_case_fixture.h"

namespace auth::account {
namespace {

using auth::testing::IsOk;
using auth::testing::StatusIs;

constexpr char kEmail[] = "ann@example.com";
constexpr char kPassword[] = "SecurePass123";

class SignInTest : public UseCaseTest {
 protected:
  void Register(const std::string& email, const std::string& password) {
    RegisterUser operation(&services_, {email, Secret::CopyOf(password), ""});
    Drive(&operation);
    ASSERT_THAT(operation.result(), IsOk());
  }

  absl::StatusOr<SignedIn> Try(const std::string& email, const std::string& password) {
    SignIn operation(&services_, {email, Secret::CopyOf(password)});
    const int64_t before = hasher_->computations();
    stages_ = Drive(&operation);
    computations_ = hasher_->computations() - before;
    return operation.result();
  }

  Reason ReasonOf(const absl::StatusOr<SignedIn>& result) {
    EXPECT_FALSE(result.ok());
    return GetErrorDetails(result.status()).reason;
  }

  std::string stages_;
  int64_t computations_ = 0;
};

TEST_F(SignInTest, MakesAnotherSession) {
  Register(kEmail, kPassword);
  clock_.Advance(std::chrono::seconds(1) + Duration(1));
  const auto result = Try("ANN@example.com", kPassword);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(stages_, "SHS");
  EXPECT_EQ(computations_, 1);
  EXPECT_EQ(result->user.email, kEmail);
  EXPECT_EQ(result->session.expires,
            std::chrono::floor<std::chrono::microseconds>(clock_.Now()) + std::chrono::hours(24));
  EXPECT_EQ(store_.sessions(), 2u);
  const auto session =
      store_.FindSession(Context(), Token::Parse(result->session_token)->Hash(), clock_.Now());
  ASSERT_TRUE(session.ok() && session->has_value());
  EXPECT_EQ((*session)->user.id, result->user.id);
}

TEST_F(SignInTest, PasswordIsTheSameFromAnotherKeyboard) {
  Register(kEmail, "pass\u00e9 compos\u00e9");
  EXPECT_THAT(Try(kEmail, "passe\u0301\u3000compose\u0301"), IsOk());
  EXPECT_EQ(ReasonOf(Try(kEmail, "pass\u00e9 compos\u00e9 ")), Reason::kInvalidCredentials);
}

TEST_F(SignInTest, NobodyLearnsWhoIsRegistered) {
  Register(kEmail, kPassword);
  Register("off@example.com", kPassword);
  store_.SetActive("off@example.com", false);

  const auto wrong = Try(kEmail, "SecurePass124");
  const std::string stages_of_wrong = stages_;
  EXPECT_EQ(ReasonOf(wrong), Reason::kInvalidCredentials);
  EXPECT_EQ(computations_, 1);
  for (const auto& [email, password] : {std::pair{"nobody@example.com", kPassword},
                                        {"off@example.com", kPassword},
                                        {"off@example.com", "SecurePass124"}}) {
    EXPECT_EQ(Try(email, password).status(), wrong.status()) << email;
    EXPECT_EQ(stages_, stages_of_wrong) << email;
    EXPECT_EQ(computations_, 1) << email;
  }
  EXPECT_EQ(store_.sessions(), 2u) << "those of the registrations";
}

TEST_F(SignInTest, FieldsAreCheckedButNotForStrength) {
  Register(kEmail, kPassword);
  const auto both = Try("", "");
  ASSERT_EQ(ReasonOf(both), Reason::kInvalidFields);
  const auto violations = GetErrorDetails(both.status()).violations;
  ASSERT_EQ(violations.size(), 2u);
  EXPECT_EQ(violations[0].field, "email");
  EXPECT_EQ(violations[1].field, "password");
  EXPECT_EQ(ReasonOf(Try("a@b@c", kPassword)), Reason::kInvalidFields);
  EXPECT_EQ(ReasonOf(Try("a@b", kPassword)), Reason::kInvalidFields);
  EXPECT_EQ(ReasonOf(Try(kEmail, std::string(1025, 'a'))), Reason::kInvalidFields);
  EXPECT_EQ(ReasonOf(Try(kEmail, "a\tb")), Reason::kInvalidFields);
  EXPECT_EQ(store_.calls(), 1) << "that of the registration";
  EXPECT_EQ(hasher_->computations(), 1);
  EXPECT_EQ(ReasonOf(Try(kEmail, "x")), Reason::kInvalidCredentials);
}

TEST_F(SignInTest, AttemptsAreLimitedBeforeAnyWork) {
  Register(kEmail, kPassword);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ReasonOf(Try(kEmail, "wrong")), Reason::kInvalidCredentials);
    EXPECT_EQ(ReasonOf(Try("nobody@example.com", "wrong")), Reason::kInvalidCredentials);
  }
  const int calls = store_.calls();
  const auto known = Try("ANN@EXAMPLE.COM", kPassword);
  EXPECT_EQ(ReasonOf(known), Reason::kRateLimited);
  EXPECT_EQ(GetErrorDetails(known.status()).retry_after, std::chrono::seconds(6));
  EXPECT_EQ(Try("nobody@example.com", "wrong").status(), known.status());
  EXPECT_EQ(computations_, 0);
  EXPECT_EQ(store_.calls(), calls);
  clock_.Advance(std::chrono::seconds(6));
  EXPECT_THAT(Try(kEmail, kPassword), IsOk());
}

// Or an outage, in which callers try again and again, would lock them out when it is over.
TEST_F(SignInTest, OnlyAVerificationCostsAnAttempt) {
  Register(kEmail, kPassword);
  for (int i = 0; i < 20; ++i) {
    store_.FailNextCall(MakeError(Reason::kDatabaseUnavailable));
    EXPECT_EQ(ReasonOf(Try(kEmail, kPassword)), Reason::kDatabaseUnavailable);
  }
  cancelled_ = true;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ReasonOf(Try(kEmail, kPassword)), Reason::kCancelled);
  cancelled_ = false;
  for (int i = 0; i < 10; ++i) EXPECT_THAT(Try(kEmail, kPassword), IsOk());
  EXPECT_EQ(ReasonOf(Try(kEmail, kPassword)), Reason::kRateLimited);
}

// All of them find attempts left, and no more than those are verified.
TEST_F(SignInTest, CallsSideBySideShareTheAttempts) {
  Register(kEmail, kPassword);
  std::vector<std::unique_ptr<SignIn>> calls;
  for (int i = 0; i < 30; ++i) {
    calls.push_back(
        std::make_unique<SignIn>(&services_, SignIn::Request{kEmail, Secret::CopyOf("wrong")}));
    calls.back()->Begin();
    ASSERT_EQ(calls.back()->Run(Context()), Stage::kHash);
  }
  const int64_t before = hasher_->computations();
  for (const auto& call : calls) EXPECT_EQ(call->Run(Context()), Stage::kDone);
  EXPECT_EQ(hasher_->computations() - before, 10);
  EXPECT_EQ(ReasonOf(calls.front()->result()), Reason::kInvalidCredentials);
  EXPECT_EQ(ReasonOf(calls.back()->result()), Reason::kRateLimited);
}

TEST_F(SignInTest, CallerWhoHasGoneCostsNoHash) {
  Register(kEmail, kPassword);
  cancelled_ = true;
  EXPECT_EQ(ReasonOf(Try(kEmail, kPassword)), Reason::kCancelled);
  EXPECT_EQ(computations_, 0);
  EXPECT_EQ(ReasonOf(Try("nobody@example.com", kPassword)), Reason::kCancelled);
  EXPECT_EQ(computations_, 0);
}

TEST_F(SignInTest, PasswordThatChangesMeanwhileWins) {
  Register(kEmail, kPassword);
  SignIn operation(&services_, {kEmail, Secret::CopyOf(kPassword)});
  operation.Begin();
  operation.Run(Context());
  ASSERT_EQ(operation.Run(Context()), Stage::kStore);  // verified
  store_.SetPasswordHash(kEmail, *hasher_->Hash("another one"));
  EXPECT_EQ(operation.Run(Context()), Stage::kDone);
  EXPECT_EQ(ReasonOf(operation.result()), Reason::kInvalidCredentials);
  EXPECT_EQ(store_.sessions(), 1u);
}

TEST_F(SignInTest, UserWhoIsDisabledMeanwhileStaysOut) {
  Register(kEmail, kPassword);
  SignIn operation(&services_, {kEmail, Secret::CopyOf(kPassword)});
  operation.Begin();
  operation.Run(Context());
  operation.Run(Context());
  store_.SetActive(kEmail, false);
  EXPECT_EQ(operation.Run(Context()), Stage::kDone);
  EXPECT_EQ(ReasonOf(operation.result()), Reason::kInvalidCredentials);
}

TEST_F(SignInTest, ErrorsOfTheStoreAreAnsweredAndAnUnknownOutcomeMayBeRepeated) {
  Register(kEmail, kPassword);
  store_.FailNextCall(MakeError(Reason::kDatabaseUnavailable));
  EXPECT_EQ(ReasonOf(Try(kEmail, kPassword)), Reason::kDatabaseUnavailable);
  SignIn operation(&services_, {kEmail, Secret::CopyOf(kPassword)});
  operation.Begin();
  operation.Run(Context());
  operation.Run(Context());
  store_.FailNextCall(MakeError(Reason::kOutcomeUnknown));
  operation.Run(Context());
  EXPECT_EQ(ReasonOf(operation.result()), Reason::kOutcomeUnknown);
  EXPECT_THAT(operation.result(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(SignInTest, StoredHashThatCannotBeReadIsAnInternalErrorWithoutWork) {
  Register(kEmail, kPassword);
  store_.SetPasswordHash(kEmail, "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$AAAA");
  const auto result = Try(kEmail, kPassword);
  EXPECT_EQ(ReasonOf(result), Reason::kInternal);
  EXPECT_EQ(InternalCause(result.status()), "The stored hash is no Argon2id within the bounds.");
  EXPECT_EQ(computations_, 0);
}

// Users whose hashes are of lower parameters than today's.
class SignInUpgradeTest : public SignInTest {
 protected:
  void RegisterWithLower(const std::string& email) {
    Register(email, kPassword);
    store_.SetPasswordHash(email, *MakeHasher(kLower)->Hash(kPassword));
  }

  Argon2Parameters ParametersOf(const std::string& email) {
    return PhcString::Parse(store_.Find(email)->password_hash)->parameters;
  }
};

TEST_F(SignInUpgradeTest, EveryUserIsUpgradedByOneSignIn) {
  for (int i = 0; i < 50; ++i) {
    const std::string email = "user" + std::to_string(i) + "@example.com";
    RegisterWithLower(email);
    ASSERT_EQ(ParametersOf(email), kLower);
    ASSERT_THAT(Try(email, kPassword), IsOk());
    EXPECT_EQ(stages_, "SHS");
    EXPECT_EQ(ParametersOf(email), kToday);
    ASSERT_THAT(Try(email, kPassword), IsOk());
    EXPECT_EQ(computations_, 1) << "nothing is left to upgrade";
  }
}

TEST_F(SignInUpgradeTest, WrongPasswordUpgradesNothing) {
  RegisterWithLower(kEmail);
  EXPECT_EQ(ReasonOf(Try(kEmail, "wrong")), Reason::kInvalidCredentials);
  EXPECT_EQ(computations_, 1);
  EXPECT_EQ(ParametersOf(kEmail), kLower);
}

// Somebody changes the password, or the upgrade fails, between the session and the better hash.
class InterferingStore : public testing::InMemoryUserStore {
 public:
  std::string changed_hash;
  absl::Status failure;

  absl::StatusOr<bool> ReplacePasswordHash(const CallContext& call, const Uuid& user_id,
                                           const std::string& old_hash,
                                           const std::string& new_hash) override {
    if (!failure.ok()) return failure;
    SetPasswordHash(kEmail, changed_hash);
    return InMemoryUserStore::ReplacePasswordHash(call, user_id, old_hash, new_hash);
  }
};

TEST_F(SignInUpgradeTest, PasswordThatChangesMeanwhileWinsEveryRace) {
  for (int i = 0; i < 20; ++i) {
    InterferingStore store;
    services_.store = &store;
    Register(kEmail, kPassword);
    store.SetPasswordHash(kEmail, *MakeHasher(kLower)->Hash(kPassword));
    store.changed_hash = *hasher_->Hash("another one");
    SignIn operation(&services_, {kEmail, Secret::CopyOf(kPassword)});
    Drive(&operation);
    EXPECT_THAT(operation.result(), IsOk()) << "it was right when it was verified";
    EXPECT_EQ(store.Find(kEmail)->password_hash, store.changed_hash);
    clock_.Advance(std::chrono::minutes(1));
  }
}

TEST_F(SignInUpgradeTest, FailureToUpgradeFailsNothing) {
  InterferingStore store;
  services_.store = &store;
  Register(kEmail, kPassword);
  const std::string lower = *MakeHasher(kLower)->Hash(kPassword);
  store.SetPasswordHash(kEmail, lower);
  store.failure = MakeError(Reason::kDatabaseUnavailable);
  EXPECT_THAT(Try(kEmail, kPassword), IsOk());
  EXPECT_EQ(store.Find(kEmail)->password_hash, lower);
  EXPECT_EQ(store.sessions(), 2u);
}

}  // namespace
}  // namespace auth::account
