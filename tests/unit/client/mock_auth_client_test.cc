#include "client/mock_auth_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace auth::client {
namespace {

using ::testing::_;
using ::testing::Return;

// What a consumer has: code that knows an AuthClient and no server.
std::string Greeting(AuthClient& client, const std::string& token) {
  const absl::StatusOr<v1::User> user = client.GetUser(token);
  if (ReasonOf(user.status()) == v1::ERROR_REASON_SESSION_INVALID) return "Please sign in";
  return user.ok() ? "Hello " + user->email() : "Please come again";
}

TEST(MockAuthClientTest, StandsInForAClient) {
  MockAuthClient client;
  v1::User user;
  user.set_email("ana@example.com");
  EXPECT_CALL(client, GetUser("good", _)).WillOnce(Return(user));
  EXPECT_CALL(client, GetUser("bad", _))
      .WillOnce(Return(
          RefusedWith(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_SESSION_INVALID)));
  EXPECT_EQ(Greeting(client, "good"), "Hello ana@example.com");
  EXPECT_EQ(Greeting(client, "bad"), "Please sign in");
}

TEST(MockAuthClientTest, BothFormsOfACallAreOne) {
  MockAuthClient client;
  EXPECT_CALL(client, Register("ana@example.com", "password", _))
      .Times(2)
      .WillRepeatedly(Return(UserSession{}));
  EXPECT_THAT(client.Register("ana@example.com", "password"), auth::testing::IsOk());
  EXPECT_THAT(client.Register("ana@example.com", "password", {}), auth::testing::IsOk());
}

}  // namespace
}  // namespace auth::client
