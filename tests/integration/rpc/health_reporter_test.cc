#include "server/rpc/health_reporter.h"

#include <gmock/gmock.h>
#include <grpcpp/support/byte_buffer.h>

#include <future>
#include <string>
#include <vector>

#include "tests/integration/rpc/test_server.h"

namespace auth::rpc {
namespace {

using ::testing::HasSubstr;

constexpr char kNotFound[] = "error 5";

TEST(HealthReporterTest, ReportsEachNameByItself) {
  TestServer server(TestServer::DefaultOptions(), {.hash_workers = 2}, TestServer::kStarting);
  const auto channel = server.NewChannel();
  EXPECT_EQ(Health(channel, ""), "SERVING") << "the process lives";
  EXPECT_EQ(Health(channel, "auth.v1.AuthService"), "NOT_SERVING");
  EXPECT_EQ(Health(channel, "database"), "NOT_SERVING");
  EXPECT_EQ(Health(channel, "no.such.Service"), kNotFound);

  server->SetReady();
  EXPECT_EQ(Health(channel, "auth.v1.AuthService"), "SERVING");
  EXPECT_EQ(Health(channel, "database"), "NOT_SERVING");
  server->SetDatabase(true);
  EXPECT_EQ(Health(channel, "database"), "SERVING");
  server->SetDatabase(false);
  EXPECT_EQ(Health(channel, "database"), "NOT_SERVING");
  EXPECT_EQ(Health(channel, "auth.v1.AuthService"), "SERVING") << "it does not follow the database";
}

TEST(HealthReporterTest, AnswersWhile256HashesWait) {
  TestServer server;
  server.hasher.gate.Close();
  const auto channel = server.NewChannel();
  std::vector<std::unique_ptr<v1::AuthService::Stub>> stubs;
  for (int i = 0; i < 4; ++i) stubs.push_back(server.NewStub());  // 100 streams a connection
  std::vector<grpc::ClientContext> contexts(256);
  std::vector<v1::RegisterRequest> requests(256);
  std::vector<v1::RegisterResponse> responses(256);
  std::vector<std::promise<bool>> answers(256);
  for (size_t i = 0; i < 256; ++i) {
    requests[i].set_email(absl::StrCat("u", i, "@example.com"));
    requests[i].set_password(kPassword);
    stubs[i % 4]->async()->Register(
        &contexts[i], &requests[i], &responses[i],
        [&, i](const grpc::Status& s) { answers[i].set_value(s.ok()); });
  }
  ASSERT_TRUE(server.hasher.gate.AwaitWaiting(2));
  for (int i = 0; i < 200; ++i) ASSERT_EQ(Health(channel, "auth.v1.AuthService"), "SERVING");
  server.hasher.gate.Open();
  for (auto& answer : answers) EXPECT_TRUE(answer.get_future().get());
  EXPECT_EQ(server.store.users(), 256u);
}

// What one request of the reflection service is answered. The messages are written by hand: field 7
// of the request lists services, field 4 asks for the file that defines a symbol.
std::string Reflect(const std::shared_ptr<grpc::Channel>& channel, const std::string& request,
                    grpc::Status* status = nullptr) {
  const grpc::Slice slice(request);
  const grpc::ByteBuffer bytes(&slice, 1);
  grpc::ByteBuffer answer;
  const grpc::Status result = CallMethod(
      channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", bytes, &answer);
  if (status != nullptr) *status = result;
  std::vector<grpc::Slice> slices;
  if (!result.ok() || !answer.Dump(&slices).ok()) return "";
  std::string text;
  for (const grpc::Slice& part : slices) {
    text.append(reinterpret_cast<const char*>(part.begin()), part.size());
  }
  return text;
}

TEST(ReflectionTest, ListsTheServicesAndDescribesHealth) {
  GrpcServer::Options options = TestServer::DefaultOptions();
  options.reflection = true;
  TestServer server(options);
  const std::string list = Reflect(server.NewChannel(), "\x3a\x01*");
  EXPECT_THAT(list, HasSubstr("auth.v1.AuthService"));
  EXPECT_THAT(list, HasSubstr("grpc.health.v1.Health"));
  const std::string symbol = "grpc.health.v1.Health";
  const std::string health = Reflect(
      server.NewChannel(), "\x22" + std::string(1, static_cast<char>(symbol.size())) + symbol);
  EXPECT_THAT(health, HasSubstr("grpc/health/v1/health.proto"));
  EXPECT_THAT(health, HasSubstr("HealthCheckResponse"));
}

TEST(ReflectionTest, IsOffUnlessItIsAskedFor) {
  TestServer server;
  grpc::Status status;
  Reflect(server.NewChannel(), "\x3a\x01*", &status);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace auth::rpc
