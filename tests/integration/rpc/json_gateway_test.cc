// The gateway over real sockets, in front of the same call driver as gRPC.

#include "server/rpc/json_gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/integration/rpc/test_server.h"
#include "tests/support/eventually.h"
#include "tests/support/http_client.h"

namespace auth::rpc {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using testing::Eventually;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawConnection;
using ::testing::StartsWith;

constexpr char kJson[] = "Content-Type: application/json\r\n";

std::string Request(std::string_view verb, std::string_view path, std::string_view headers,
                    std::string_view body) {
  return absl::StrCat(
      absl::string_view(verb.data(), verb.size()), " ", absl::string_view(path.data(), path.size()),
      " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
      absl::string_view(headers.data(), headers.size()), "Content-Length: ", body.size(),
      "\r\n\r\n", absl::string_view(body.data(), body.size()));
}

int StatusOf(const std::string& response) {
  return response.size() < 12 ? 0 : std::stoi(response.substr(9, 3));
}
json BodyOf(const std::string& response) {
  return json::parse(response.substr(response.find("\r\n\r\n") + 4), nullptr, false);
}

class JsonGatewayTest : public ::testing::Test {
 protected:
  explicit JsonGatewayTest(const JsonGateway::Options& options = {}) {
    auto gateway = JsonGateway::Start(options, &server_->methods(), server_->calls(), &clock_);
    EXPECT_THAT(gateway, testing::IsOk());
    gateway_ = *std::move(gateway);
  }
  ~JsonGatewayTest() override {
    server_.hasher.gate.Open();
    server_.store.gate.Open();
    gateway_.reset();
  }

  std::string Send(const std::string& request) {
    RawConnection connection(gateway_->port());
    connection.Send(request);
    return connection.ReadAll();
  }
  std::string Post(std::string_view path, std::string_view body, std::string_view headers = kJson) {
    return Send(Request("POST", path, headers, body));
  }
  static std::string Credentials(const std::string& email) {
    return json({{"email", email}, {"password", kPassword}}).dump();
  }

  RealClock clock_;
  TestServer server_;
  std::unique_ptr<JsonGateway> gateway_;
};

// As that of a proxy, which keeps it for the next caller.
TEST_F(JsonGatewayTest, AConnectionMayBeSilentBetweenTwoCalls) {
  const std::string_view request = "GET /auth/session HTTP/1.1\r\nHost: localhost\r\n\r\n";
  RawConnection kept(gateway_->port());
  kept.Send(request);
  EXPECT_EQ(StatusOf(kept.ReadUntil("}")), 401);
  RawConnection silent(gateway_->port());
  silent.ReadAll();  // until it is cut: the other has been silent for longer
  EXPECT_TRUE(silent.closed());
  EXPECT_FALSE(kept.HungUp());
  kept.Send(request);
  EXPECT_EQ(StatusOf(kept.ReadUntil("}")), 401);
}

TEST_F(JsonGatewayTest, SignsUpAndInAndOut) {
  const std::string signed_up = Post("/auth/signup", Credentials("ada@example.com"));
  EXPECT_THAT(signed_up, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                               HasSubstr("Content-Type: application/json\r\n"),
                               HasSubstr("X-Request-Id: "), HasSubstr("\"emailVerified\":null")));
  EXPECT_EQ(BodyOf(signed_up)["user"]["email"], "ada@example.com");
  const json signed_in = BodyOf(Post("/auth/signin", Credentials("ada@example.com")));
  const std::string token = signed_in["session"]["sessionToken"];
  EXPECT_EQ(token.size(), 43u);

  const std::string bearer = "Authorization: Bearer " + token + "\r\n";
  const json session = BodyOf(Send(Request("GET", "/auth/session", bearer, "")));
  EXPECT_EQ(session["user"]["id"], signed_in["user"]["id"]);
  EXPECT_FALSE(session["session"].contains("sessionToken"));
  const std::string signed_out = Send(Request("POST", "/auth/signout", bearer, ""));
  EXPECT_EQ(StatusOf(signed_out), 200);
  EXPECT_EQ(BodyOf(signed_out), json::object());
  const std::string ended = Send(Request("GET", "/auth/session", bearer, ""));
  EXPECT_EQ(StatusOf(ended), 401);
  EXPECT_THAT(ended, HasSubstr("WWW-Authenticate: Bearer\r\n"));
  EXPECT_EQ(BodyOf(ended)["code"], "unauthenticated");
}

TEST_F(JsonGatewayTest, EveryUnaryRpcIsServedByItsName) {
  for (const std::string& name : server_->methods().names()) {
    EXPECT_NE(StatusOf(Post("/" + name, "{}")), 404) << name;
  }
  const json registered =
      BodyOf(Post("/auth.v1.AuthService/Register", Credentials("ada@example.com")));
  EXPECT_EQ(registered["user"]["email"], "ada@example.com");
}

TEST_F(JsonGatewayTest, ErrorsAreThoseOfTheCall) {
  Post("/auth/signup", Credentials("ada@example.com"));
  const std::string taken = Post("/auth/signup", Credentials("ada@example.com"));
  EXPECT_EQ(StatusOf(taken), 409);
  EXPECT_EQ(BodyOf(taken)["code"], "already_exists");
  EXPECT_EQ(BodyOf(taken)["details"][0]["debug"]["reason"], "EMAIL_ALREADY_REGISTERED");

  const std::string bad = Post("/auth/signup", R"({"email":"x","password":"y"})");
  EXPECT_EQ(StatusOf(bad), 400);
  EXPECT_EQ(BodyOf(bad)["details"][1]["debug"]["fieldViolations"].size(), 2u);
  EXPECT_EQ(StatusOf(Post("/auth/signin", Credentials("eve@example.com"))), 401);
}

TEST_F(JsonGatewayTest, WhatIsNoJsonOfTheMessageIsRefusedAndNotRepeated) {
  for (const char* body :
       {"", "hunter2", "{\"password\":\"hunter2\"", "[\"hunter2\"]",
        "{\"password\":{\"hunter2\":1}}", "{\"email\":7,\"password\":\"hunter2\"}"}) {
    const std::string response = Post("/auth/signup", body);
    EXPECT_EQ(StatusOf(response), 400) << body;
    EXPECT_EQ(BodyOf(response)["code"], "invalid_argument") << body;
    EXPECT_THAT(response, Not(HasSubstr("hunter2")));
  }
  const auto records = server_.recorder.records();
  ASSERT_EQ(records.size(), 6u) << "they are logged and counted as every call is";
  EXPECT_EQ(records[0].code, "INVALID_ARGUMENT");
  EXPECT_EQ(records[0].rpc, "Register");
}

TEST_F(JsonGatewayTest, WrongPathsMethodsTypesAndSizesAreTold) {
  EXPECT_EQ(StatusOf(Post("/auth/nothing", "{}")), 404);
  EXPECT_EQ(StatusOf(Post("/auth.v1.AdminService/WatchPoolStatus", "{}")), 404);
  EXPECT_EQ(StatusOf(Send(Request("GET", "/", "", ""))), 404);
  const std::string wrong_verb = Send(Request("GET", "/auth/signup", "", ""));
  EXPECT_EQ(StatusOf(wrong_verb), 405);
  EXPECT_THAT(wrong_verb, HasSubstr("Allow: POST\r\n"));
  EXPECT_EQ(StatusOf(Post("/auth/session", "{}")), 405);
  for (const char* type :
       {"", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: application/xml\r\n"}) {
    const std::string response = Post("/auth/signup", Credentials("ada@example.com"), type);
    EXPECT_EQ(StatusOf(response), 415) << type;
    EXPECT_THAT(response, HasSubstr("Accept-Post: application/json"));
  }
  EXPECT_EQ(StatusOf(Post("/auth/signup", Credentials("ada@example.com"),
                          "content-type: Application/JSON; charset=utf-8\r\n")),
            200);
  EXPECT_EQ(StatusOf(Post("/auth/signup", "{\"x\":\"" + std::string(40'000, 'x') + "\"}")), 413);
  EXPECT_EQ(StatusOf(Post("/auth/signup", "{}", absl::StrCat(kJson, "Content-Encoding: gzip\r\n"))),
            501);
  EXPECT_EQ(
      StatusOf(Post("/auth/signup", "{}", absl::StrCat(kJson, "Connect-Protocol-Version: 2\r\n"))),
      400);
}

TEST_F(JsonGatewayTest, RequestIdAndTraceAreTheCallers) {
  const std::string response = Post(
      "/auth/signup", Credentials("ada@example.com"),
      absl::StrCat(kJson,
                   "X-Request-Id: mine-1\r\n"
                   "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"));
  EXPECT_THAT(response, HasSubstr("X-Request-Id: mine-1\r\n"));
  const auto records = server_.recorder.records();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].request_id, "mine-1");
  EXPECT_EQ(records[0].trace.trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_THAT(records[0].peer, StartsWith("ipv4:127.0.0.1:"));
}

TEST_F(JsonGatewayTest, TheCallersTimeoutIsKept) {
  server_.store.gate.Close();
  const std::string response = Post("/auth/signup", Credentials("ada@example.com"),
                                    absl::StrCat(kJson, "Connect-Timeout-Ms: 50\r\n"));
  EXPECT_EQ(StatusOf(response), 504);
  EXPECT_EQ(BodyOf(response)["code"], "deadline_exceeded");
  for (const char* timeout : {"abc", "-1", "12345678901", "1.5"}) {
    EXPECT_EQ(StatusOf(Post("/auth/signup", "{}",
                            absl::StrCat(kJson, "Connect-Timeout-Ms: ", timeout, "\r\n"))),
              400)
        << timeout;
  }
}

TEST_F(JsonGatewayTest, AdminCallsNeedTheirToken) {
  const std::string path = "/auth.v1.AdminService/GetPoolStatus";
  EXPECT_EQ(StatusOf(Post(path, "{}")), 401);
  EXPECT_EQ(StatusOf(Post(path, "{}", absl::StrCat(kJson, "Authorization: Bearer no\r\n"))), 401);
  EXPECT_EQ(StatusOf(Post(path, "nonsense")), 401) << "before the body is looked at";
  const std::string status =
      Post(path, "{}", absl::StrCat(kJson, "Authorization: Bearer ", kAdminToken, "\r\n"));
  EXPECT_EQ(StatusOf(status), 200);
  EXPECT_EQ(BodyOf(status)["status"]["sequence"], 1);
}

TEST_F(JsonGatewayTest, ManyCallsWaitOnOneThread) {
  server_.hasher.gate.Close();
  std::vector<RawConnection> clients;
  for (int i = 0; i < 64; ++i) {
    clients.emplace_back(gateway_->port());
    clients.back().Send(Request("POST", "/auth/signup", kJson,
                                Credentials(absl::StrCat("user", i, "@example.com"))));
  }
  ASSERT_TRUE(Eventually([&] { return server_.hash_workers().queued() == 62; }));
  EXPECT_EQ(StatusOf(Send(Request("GET", "/auth/session", "", ""))), 401) << "others are served";
  server_.hasher.gate.Open();
  for (RawConnection& client : clients) EXPECT_EQ(StatusOf(client.ReadAll()), 200);
}

TEST_F(JsonGatewayTest, CallersWhoLeaveDoNoHarm) {
  server_.store.gate.Close();
  for (int i = 0; i < 32; ++i) {
    RawConnection(gateway_->port())
        .Send(Request("POST", "/auth/signup", kJson,
                      Credentials(absl::StrCat("user", i, "@example.com"))));
  }
  ASSERT_TRUE(Eventually([&] { return server_.store_workers().queued() > 0; }));
  server_.store.gate.Open();
  EXPECT_EQ(StatusOf(Post("/auth/signup", Credentials("ada@example.com"))), 200);
}

TEST_F(JsonGatewayTest, ADrainAnswersEveryCall) {
  server_.store.gate.Close();
  std::vector<RawConnection> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(gateway_->port());
    clients.back().Send(Request("POST", "/auth/signup", kJson,
                                Credentials(absl::StrCat("user", i, "@example.com"))));
  }
  ASSERT_TRUE(Eventually([&] { return server_.store_workers().queued() == 4; }));
  EXPECT_FALSE(server_->Drain(Duration::zero(), std::chrono::milliseconds(300)));
  EXPECT_EQ(StatusOf(Post("/auth/signup", Credentials("late@example.com"))), 503);
  gateway_.reset();
  for (RawConnection& client : clients) {
    const std::string response = client.ReadAll();
    EXPECT_THAT(StatusOf(response), ::testing::AnyOf(500, 503)) << response;
  }
}

TEST_F(JsonGatewayTest, WithoutAllowedOriginsBrowsersAreNotLetIn) {
  EXPECT_EQ(StatusOf(Send(Request("OPTIONS", "/auth/signup", "Origin: https://a.example\r\n", ""))),
            405);
  EXPECT_THAT(Post("/auth/signup", "{}", absl::StrCat(kJson, "Origin: https://a.example\r\n")),
              Not(HasSubstr("Access-Control-Allow-Origin")));
}

// What Connect's clients send by default.
TEST_F(JsonGatewayTest, BinaryMessagesAreAnsweredInKind) {
  constexpr char kProto[] = "Content-Type: application/proto\r\n";
  v1::RegisterRequest request;
  request.set_email("ada@example.com");
  request.set_password(kPassword);
  const std::string path = "/auth.v1.AuthService/Register";
  const std::string answer = Post(path, request.SerializeAsString(), kProto);
  EXPECT_EQ(StatusOf(answer), 200);
  EXPECT_THAT(answer, HasSubstr(kProto));
  v1::RegisterResponse response;
  ASSERT_TRUE(response.ParseFromString(answer.substr(answer.find("\r\n\r\n") + 4)));
  EXPECT_EQ(response.user().email(), "ada@example.com");

  const std::string taken = Post(path, request.SerializeAsString(), kProto);
  EXPECT_EQ(StatusOf(taken), 409);
  EXPECT_EQ(BodyOf(taken)["code"], "already_exists") << "errors are always JSON";
  EXPECT_EQ(StatusOf(Post(path, "\xff\xff", kProto)), 400);
}

TEST_F(JsonGatewayTest, WhatNeverGetsToACallIsRefusedInTheSameShape) {
  const std::string large = Post("/auth/signup", "{\"x\":\"" + std::string(40'000, 'x') + "\"}");
  EXPECT_EQ(BodyOf(large)["code"], "resource_exhausted");
  EXPECT_THAT(large, HasSubstr("X-Request-Id: "));
  const std::string verb = Send(Request("PUT", "/auth/signup", kJson, "{}"));
  EXPECT_EQ(StatusOf(verb), 405);
  EXPECT_EQ(BodyOf(verb)["code"], "unimplemented");
}

class JsonGatewayCorsTest : public JsonGatewayTest {
 protected:
  JsonGatewayCorsTest() : JsonGatewayTest({.cors_origins = {"https://a.example"}}) {}
};

TEST_F(JsonGatewayCorsTest, PagesReadAlsoWhatNeverGotToACall) {
  constexpr char kHeaders[] = "Origin: https://a.example\r\nX-Request-Id: mine\r\n";
  for (const std::string& refusal :
       {Post("/auth/signup", "{\"x\":\"" + std::string(40'000, 'x') + "\"}",
             absl::StrCat(kJson, kHeaders)),
        Send(Request("PUT", "/auth/signup", kHeaders, ""))}) {
    EXPECT_THAT(refusal, AllOf(HasSubstr("Access-Control-Allow-Origin: https://a.example\r\n"),
                               HasSubstr("X-Request-Id: mine\r\n")));
  }
}

TEST_F(JsonGatewayCorsTest, OnlyAllowedOriginsReadAnswers) {
  const std::string preflight =
      Send(Request("OPTIONS", "/auth/signup", "Origin: https://a.example\r\n", ""));
  EXPECT_THAT(preflight, AllOf(StartsWith("HTTP/1.1 204 "),
                               HasSubstr("Access-Control-Allow-Origin: https://a.example\r\n"),
                               HasSubstr("Access-Control-Allow-Methods: GET, POST\r\n"),
                               HasSubstr("Vary: Origin\r\n")));
  EXPECT_THAT(Post("/auth/signup", "{}", absl::StrCat(kJson, "Origin: https://a.example\r\n")),
              HasSubstr("Access-Control-Allow-Origin: https://a.example\r\n"));
  for (const char* origin :
       {"https://b.example", "http://a.example", "https://a.example.evil.org", "null"}) {
    const std::string header = absl::StrCat("Origin: ", origin, "\r\n");
    EXPECT_THAT(Send(Request("OPTIONS", "/auth/signup", header, "")),
                Not(HasSubstr("Access-Control-Allow-Origin")))
        << origin;
    EXPECT_THAT(Post("/auth/signup", "{}", absl::StrCat(kJson, header)),
                Not(HasSubstr("Access-Control-Allow-Origin")));
  }
}

class JsonGatewayOpenCorsTest : public JsonGatewayTest {
 protected:
  JsonGatewayOpenCorsTest() : JsonGatewayTest({.cors_origins = {"*"}}) {}
};

TEST_F(JsonGatewayOpenCorsTest, AnyOriginReadsAnswers) {
  EXPECT_THAT(Post("/auth/signup", "{}", absl::StrCat(kJson, "Origin: https://b.example\r\n")),
              HasSubstr("Access-Control-Allow-Origin: https://b.example\r\n"));
}

}  // namespace
}  // namespace auth::rpc
