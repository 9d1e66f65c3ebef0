#include "server/config/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config/options.h"
#include "tests/support/status_matchers.h"

namespace auth::server {
namespace {

using auth::testing::IsOk;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(EnvironmentTest, UnknownVariablesNameTheClosest) {
  const auto settings = ReadEnvironment({{"AUTH_LISTNE", "127.0.0.1:1"},
                                         {"AUTH_POOL_MAX_CONNECTION", "5"},
                                         {"OTHER_LISTEN", "x"},
                                         {"AUTH_LISTEN", "127.0.0.1:1"}},
                                        AllOptions());
  EXPECT_THAT(settings, auth::testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(settings.status().message()),
              AllOf(HasSubstr("AUTH_LISTNE (did you mean AUTH_LISTEN?)"),
                    HasSubstr("AUTH_POOL_MAX_CONNECTION (did you mean AUTH_POOL_MAX_CONNECTIONS?)"),
                    Not(HasSubstr("OTHER_LISTEN"))));
}

TEST(EnvironmentTest, ValuesOfUnknownVariablesAreNotShown) {
  const auto settings = ReadEnvironment({{"AUTH_DATABASE_PASSWORD", "s3cret"}}, AllOptions());
  EXPECT_FALSE(settings.ok());
  EXPECT_THAT(settings.status().ToString(), Not(HasSubstr("s3cret")));
}

// All that Kubernetes injects for Services called `auth` and `auth-server` with a named port.
TEST(EnvironmentTest, KubernetesServiceLinksArePassedOver) {
  Environment environment;
  for (const char* service : {"AUTH", "AUTH_SERVER"}) {
    for (const char* suffix :
         {"_SERVICE_HOST", "_SERVICE_PORT", "_SERVICE_PORT_GRPC", "_PORT", "_PORT_50051_TCP",
          "_PORT_50051_TCP_PROTO", "_PORT_50051_TCP_PORT", "_PORT_50051_TCP_ADDR"}) {
      environment[std::string(service) + suffix] = "tcp://10.0.0.1:50051";
    }
  }
  EXPECT_EQ(environment.size(), 16U);
  const auto settings = ReadEnvironment(environment, AllOptions());
  ASSERT_THAT(settings, IsOk());
  EXPECT_TRUE(settings->empty());
}

TEST(EnvironmentTest, WhatOnlyLooksLikeAServiceLinkIsNone) {
  for (const char* name : {"AUTH_SERVICE_HOSTS", "AUTH_PORTS", "AUTH_PORT_GRPC", "AUTH_PORT_50051",
                           "AUTH_LISTEN", "AUTH_SERVICE_PORTS"}) {
    EXPECT_FALSE(IsServiceLink(name)) << name;
  }
}

// No option may hide behind a pattern, or a mistyped value of it would be passed over.
TEST(EnvironmentTest, NoOptionIsNamedLikeAServiceLink) {
  for (const Option& option : AllOptions()) {
    EXPECT_FALSE(IsServiceLink(EnvironmentName(option.name))) << option.name;
  }
}

}  // namespace
}  // namespace auth::server
