#include "server/rpc/message_conversion.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <chrono>

#include "auth/v1/auth_service.pb.h"

namespace auth::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

WallTime At(nanoseconds since_epoch) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(since_epoch));
}

TEST(MessageConversionTest, TimesKeepTheirFractionOnBothSidesOf1970) {
  EXPECT_EQ(ToProto(At(milliseconds(1'700'000'000'123))).seconds(), 1'700'000'000);
  EXPECT_EQ(ToProto(At(milliseconds(1'700'000'000'123))).nanos(), 123'000'000);
  EXPECT_EQ(ToProto(At(milliseconds(-1))).seconds(), -1);
  EXPECT_EQ(ToProto(At(milliseconds(-1))).nanos(), 999'000'000);
  EXPECT_EQ(ToProto(At(seconds(-2))).seconds(), -2);
  EXPECT_EQ(ToProto(At(seconds(-2))).nanos(), 0);
}

account::User SomeUser() {
  return {.id = *account::Uuid::Parse("01890a5d-ac96-774b-bcce-b302099a8057"),
          .email = "a@example.com",
          .email_verified = std::nullopt,
          .created_at = At(seconds(1'700'000'000)),
          .updated_at = At(milliseconds(1'700'000'000'500))};
}

account::Session SomeSession() {
  return {.id = *account::Uuid::Parse("01890a5d-ac96-774b-bcce-b302099a8058"),
          .user_id = *account::Uuid::Parse("01890a5d-ac96-774b-bcce-b302099a8057"),
          .expires = At(seconds(1'700'086'400))};
}

TEST(MessageConversionTest, SignedInAnswersUserSessionAndToken) {
  v1::RegisterResponse response;
  Write(account::SignedIn{SomeUser(), SomeSession(), "token"}, &response);
  std::string json;
  ASSERT_TRUE(google::protobuf::util::MessageToJsonString(response, &json).ok());
  EXPECT_EQ(json, R"({"user":{"id":"01890a5d-ac96-774b-bcce-b302099a8057","email":"a@example.com",)"
                  R"("createdAt":"2023-11-14T22:13:20Z","updatedAt":"2023-11-14T22:13:20.500Z"},)"
                  R"("session":{"id":"01890a5d-ac96-774b-bcce-b302099a8058",)"
                  R"("userId":"01890a5d-ac96-774b-bcce-b302099a8057",)"
                  R"("expires":"2023-11-15T22:13:20Z","sessionToken":"token"}})");
}

TEST(MessageConversionTest, AnActiveSessionIsAnsweredWithoutAToken) {
  v1::ValidateSessionResponse response;
  Write(account::ActiveSession{SomeUser(), SomeSession()}, &response);
  EXPECT_EQ(response.user().id(), "01890a5d-ac96-774b-bcce-b302099a8057");
  EXPECT_EQ(response.session().id(), "01890a5d-ac96-774b-bcce-b302099a8058");
  EXPECT_EQ(response.session().session_token(), "");
}

TEST(MessageConversionTest, AVerifiedAddressTellsSinceWhen) {
  account::User user = SomeUser();
  EXPECT_FALSE(ToProto(user).has_email_verified());
  user.email_verified = At(seconds(5));
  EXPECT_EQ(ToProto(user).email_verified().seconds(), 5);
}

}  // namespace
}  // namespace auth::rpc
