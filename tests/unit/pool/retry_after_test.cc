#include "pool/retry_after.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/status_matchers.h"

namespace auth::pool {
namespace {

using testing::StatusIs;

TEST(RetryAfterTest, TravelsWithTheStatus) {
  const absl::Status status = UnavailableFor(std::chrono::milliseconds(1234), "try again later");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(status.message(), "try again later");
  EXPECT_EQ(RetryAfter(status), std::chrono::milliseconds(1234));
}

TEST(RetryAfterTest, IsZeroWhereThePoolDoesNotKnow) {
  EXPECT_EQ(RetryAfter(absl::UnavailableError("elsewhere")), Duration::zero());
  EXPECT_EQ(RetryAfter(absl::OkStatus()), Duration::zero());
}

}  // namespace
}  // namespace auth::pool
