#include "server/account/errors.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>

#include "tests/support/status_matchers.h"

namespace auth::account {
namespace {

using auth::testing::StatusIs;

constexpr Reason kReasons[] = {Reason::kInvalidFields,     Reason::kEmailAlreadyRegistered,
                               Reason::kRequestIdConflict, Reason::kInvalidCredentials,
                               Reason::kSessionInvalid,    Reason::kRateLimited,
                               Reason::kOverloaded,        Reason::kDatabaseUnavailable,
                               Reason::kOutcomeUnknown,    Reason::kDeadlineExceeded,
                               Reason::kCancelled,         Reason::kShuttingDown,
                               Reason::kInternal,          Reason::kCallerNotAllowed};

TEST(ErrorsTest, CodeFollowsFromReason) {
  EXPECT_THAT(MakeError(Reason::kEmailAlreadyRegistered),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(MakeError(Reason::kRequestIdConflict), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(MakeError(Reason::kInvalidCredentials), StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(MakeError(Reason::kSessionInvalid), StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(MakeError(Reason::kRateLimited), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(MakeError(Reason::kOverloaded), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(MakeError(Reason::kDatabaseUnavailable), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(MakeError(Reason::kOutcomeUnknown), StatusIs(absl::StatusCode::kUnknown));
  EXPECT_THAT(MakeError(Reason::kDeadlineExceeded), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(MakeError(Reason::kCancelled), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(MakeError(Reason::kShuttingDown), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(MakeError(Reason::kInternal), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(MakeError(Reason::kCallerNotAllowed), StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(NotPermitted(), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(GetErrorDetails(NotPermitted()).reason, Reason::kCallerNotAllowed);
  EXPECT_THAT(InvalidFields({}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ErrorsTest, EveryReasonComesBackAndHasANameAndAMessageOfItsOwn) {
  std::set<std::string> names;
  std::set<std::string> messages;
  for (const Reason reason : kReasons) {
    const absl::Status status = MakeError(reason);
    EXPECT_EQ(GetErrorDetails(status).reason, reason);
    EXPECT_FALSE(GetErrorDetails(status).retry_after.has_value());
    names.emplace(Name(reason));
    messages.emplace(status.message());
  }
  EXPECT_EQ(names.size(), std::size(kReasons));
  EXPECT_EQ(messages.size(), std::size(kReasons));
}

TEST(ErrorsTest, KeepsRetryAfterToTheNanosecond) {
  const Duration wait = std::chrono::seconds(6) + Duration(1);
  EXPECT_EQ(GetErrorDetails(MakeError(Reason::kRateLimited, wait)).retry_after, wait);
}

TEST(ErrorsTest, KeepsEveryViolation) {
  const ErrorDetails details = GetErrorDetails(
      InvalidFields({{"email", Violation::kEmailMalformed, "Write it as name@example.com."},
                     {"request_id", Violation::kRequestIdMalformed, ""}}));
  EXPECT_EQ(details.reason, Reason::kInvalidFields);
  ASSERT_EQ(details.violations.size(), 2u);
  EXPECT_EQ(details.violations[0].field, "email");
  EXPECT_EQ(details.violations[0].violation, Violation::kEmailMalformed);
  EXPECT_EQ(details.violations[0].description, "Write it as name@example.com.");
  EXPECT_EQ(details.violations[1].field, "request_id");
  EXPECT_EQ(details.violations[1].description, "");
}

TEST(ErrorsTest, TheCauseOfAnInternalErrorIsNotInItsMessage) {
  const absl::Status status = InternalBecause("no memory for the arena");
  EXPECT_EQ(GetErrorDetails(status).reason, Reason::kInternal);
  EXPECT_EQ(status.message(), MakeError(Reason::kInternal).message());
  EXPECT_EQ(InternalCause(status), "no memory for the arena");
  EXPECT_EQ(InternalCause(MakeError(Reason::kDatabaseUnavailable)), "");
  EXPECT_EQ(InternalCause(absl::OkStatus()), "");
}

TEST(ErrorsTest, StatusOfSomebodyElseIsInternal) {
  EXPECT_EQ(GetErrorDetails(absl::NotFoundError("relation users")).reason, Reason::kInternal);
}

TEST(ErrorsTest, OnlyAnUnknownOutcomeBecomesSafeToRepeat) {
  const absl::Status repeatable = AsSafeToRepeat(MakeError(Reason::kOutcomeUnknown, Duration(5)));
  EXPECT_THAT(repeatable, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(GetErrorDetails(repeatable).reason, Reason::kOutcomeUnknown);
  EXPECT_EQ(GetErrorDetails(repeatable).retry_after, Duration(5));
  for (const Reason reason : kReasons) {
    if (reason == Reason::kOutcomeUnknown) continue;
    EXPECT_EQ(AsSafeToRepeat(MakeError(reason)), MakeError(reason));
  }
  EXPECT_EQ(AsSafeToRepeat(absl::OkStatus()), absl::OkStatus());
}

}  // namespace
}  // namespace auth::account
