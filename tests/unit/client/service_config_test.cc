#include "client/service_config.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <grpcpp/support/validate_service_config.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "auth/v1/auth_service.pb.h"

namespace auth::client {
namespace {

google::protobuf::Struct Parse(const std::string& json) {
  google::protobuf::Struct parsed;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &parsed);
  EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << json;
  return parsed;
}

// The methods that the config lets gRPC repeat.
std::set<std::string> RetriedMethods(const std::string& json) {
  std::set<std::string> methods;
  const google::protobuf::Struct parsed = Parse(json);
  for (const auto& config : parsed.fields().at("methodConfig").list_value().values()) {
    const auto& fields = config.struct_value().fields();
    if (!fields.contains("retryPolicy")) continue;
    for (const auto& name : fields.at("name").list_value().values()) {
      EXPECT_EQ(name.struct_value().fields().at("service").string_value(), "auth.v1.AuthService");
      methods.insert(name.struct_value().fields().at("method").string_value());
    }
  }
  return methods;
}

TEST(ServiceConfigTest, GrpcAcceptsBoth) {
  EXPECT_EQ(grpc::experimental::ValidateServiceConfigJSON(ServiceConfigJson(RetryRegister::kNo)),
            "");
  EXPECT_EQ(grpc::experimental::ValidateServiceConfigJSON(ServiceConfigJson(RetryRegister::kYes)),
            "");
  EXPECT_NE(grpc::experimental::ValidateServiceConfigJSON(R"({"retryThrottling": {}})"), "");
}

TEST(ServiceConfigTest, EveryMethodIsRepeatedAndRegisterOnlyIfAsked) {
  const auto* service = v1::RegisterRequest::descriptor()->file()->FindServiceByName("AuthService");
  std::set<std::string> all;
  for (int i = 0; i < service->method_count(); ++i) all.insert(service->method(i)->name());

  EXPECT_EQ(RetriedMethods(ServiceConfigJson(RetryRegister::kYes)), all);
  all.erase("Register");
  EXPECT_EQ(RetriedMethods(ServiceConfigJson(RetryRegister::kNo)), all);
}

TEST(ServiceConfigTest, OnlyUnavailableIsRepeated) {
  for (const RetryRegister retry : {RetryRegister::kNo, RetryRegister::kYes}) {
    const auto config = Parse(ServiceConfigJson(retry));
    const auto& codes = config.fields()
                            .at("methodConfig")
                            .list_value()
                            .values(0)
                            .struct_value()
                            .fields()
                            .at("retryPolicy")
                            .struct_value()
                            .fields()
                            .at("retryableStatusCodes")
                            .list_value();
    ASSERT_EQ(codes.values_size(), 1);
    EXPECT_EQ(codes.values(0).string_value(), "UNAVAILABLE");
  }
}

TEST(ServiceConfigTest, ThePublishedFileIsTheOneForGeneratedStubs) {
  std::ifstream file(AUTH_SERVICE_CONFIG_FILE);
  const std::string published{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(
      Parse(published), Parse(ServiceConfigJson(RetryRegister::kNo))));
}

}  // namespace
}  // namespace auth::client
