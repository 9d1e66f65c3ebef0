#include "server/rpc/json_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "auth/v1/admin_service.pb.h"
#include "auth/v1/auth_service.pb.h"
#include "server/account/errors.h"
#include "server/rpc/status_mapping.h"

namespace auth::rpc {
namespace {

using account::MakeError;
using account::Reason;

// The published JSON, byte for byte.
TEST(JsonCodecTest, ARegisteredUserLooksAsPublished) {
  v1::RegisterResponse response;
  response.mutable_user()->set_id("01a2");
  response.mutable_user()->set_email("a@example.com");
  response.mutable_user()->mutable_created_at()->set_seconds(1'700'000'000);
  response.mutable_user()->mutable_updated_at()->set_seconds(1'700'000'001);
  response.mutable_session()->set_id("01a3");
  response.mutable_session()->set_user_id("01a2");
  response.mutable_session()->mutable_expires()->set_seconds(1'700'086'400);
  response.mutable_session()->set_session_token("token");
  EXPECT_EQ(WriteJson(response),
            R"({"user":{"id":"01a2","email":"a@example.com","emailVerified":null,)"
            R"("createdAt":"2023-11-14T22:13:20Z","updatedAt":"2023-11-14T22:13:21Z"},)"
            R"("session":{"id":"01a3","userId":"01a2","expires":"2023-11-15T22:13:20Z",)"
            R"("sessionToken":"token"}})"
            "\n");
  response.mutable_user()->mutable_email_verified()->set_seconds(1'700'000'000);
  EXPECT_NE(WriteJson(response).find(R"("emailVerified":"2023-11-14T22:13:20Z","createdAt")"),
            std::string::npos);
}

TEST(JsonCodecTest, OtherUnsetFieldsAreLeftOut) {
  EXPECT_EQ(WriteJson(v1::RegisterResponse()), "{}\n");
  EXPECT_EQ(WriteJson(v1::SignOutResponse()), "{}\n");
  v1::GetPoolStatusResponse response;
  response.mutable_status()->add_slots()->set_state("idle");
  response.mutable_status()->add_slots()->set_generation(2);
  response.mutable_status()->set_database(v1::DATABASE_STATE_UP);
  EXPECT_EQ(WriteJson(response),
            R"({"status":{"database":"DATABASE_STATE_UP","slots":[{"state":"idle"},)"
            R"({"generation":2}]}})"
            "\n");
}

TEST(JsonCodecTest, ReadsBothNamesOfAFieldAndIgnoresUnknownOnes) {
  v1::RegisterRequest request;
  ASSERT_TRUE(
      ReadJson(R"( {"email":"a@example.com","password":"p","requestId":"r","x":[1]} )", &request));
  EXPECT_EQ(request.email(), "a@example.com");
  EXPECT_EQ(request.password(), "p");
  EXPECT_EQ(request.request_id(), "r");
  v1::RegisterRequest other;
  ASSERT_TRUE(ReadJson(R"({"request_id":"s"})", &other));
  EXPECT_EQ(other.request_id(), "s");
  v1::RegisterRequest escaped;
  ASSERT_TRUE(ReadJson(R"({"password":"a\u0000b\u00e9"})", &escaped));
  EXPECT_EQ(escaped.password(), std::string("a\0b\xc3\xa9", 5));
}

TEST(JsonCodecTest, RefusesWhatIsNoObjectOfTheMessage) {
  for (const std::string& text :
       {std::string(), std::string(" "), std::string("null"), std::string("[]"),
        std::string("\"text\""), std::string("1"), std::string("{"), std::string("{}x"),
        std::string("{\"email\":1}"), std::string("{\"email\":[\"a\"]}"),
        std::string("{\"email\":\"\xff\"}"), std::string("{\"email\":{}}"),
        std::string("{'email':'a'}"), std::string("{\"email\":\"a\",}"),
        std::string("{\"email\":\"a\0\"}", 13), std::string(30'000, '['),
        std::string("{\"a\":") + std::string(29'000, '{')}) {
    v1::RegisterRequest request;
    EXPECT_FALSE(ReadJson(text, &request)) << text.substr(0, 60);
  }
}

TEST(JsonCodecTest, ErrorsAreThoseOfConnect) {
  const absl::Status status =
      account::InvalidFields({{"email", account::Violation::kEmailMalformed, "Use one @."}});
  const auto body = nlohmann::json::parse(WriteJsonError(ToRichStatus(status, "id")));
  EXPECT_EQ(body["code"], "invalid_argument");
  ASSERT_EQ(body["details"].size(), 2u);
  EXPECT_EQ(body["details"][0]["type"], "google.rpc.ErrorInfo");
  EXPECT_EQ(body["details"][0]["debug"]["reason"], "INVALID_FIELDS");
  EXPECT_EQ(body["details"][0]["value"].get<std::string>().find('='), std::string::npos);
  EXPECT_EQ(body["details"][1]["debug"]["fieldViolations"][0]["reason"], "EMAIL_MALFORMED");

  EXPECT_EQ(nlohmann::json::parse(
                WriteJsonError(ToRichStatus(MakeError(Reason::kCancelled), "")))["code"],
            "canceled");
}

TEST(JsonCodecTest, EveryCodeHasTheHttpStatusOfConnect) {
  const int expected[] = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                          400, 409, 400, 501, 500, 503, 500, 401};
  for (int code = 0; code < 17; ++code) EXPECT_EQ(HttpStatusOf(code), expected[code]) << code;
  EXPECT_EQ(HttpStatusOf(99), 500);
  EXPECT_EQ(HttpStatusOf(-1), 500);
}

}  // namespace
}  // namespace auth::rpc
