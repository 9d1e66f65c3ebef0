#include "server/rpc/access_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "auth/v1/admin_service.pb.h"
#include "auth/v1/auth_service.pb.h"
#include "server/account/errors.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace auth::rpc {
namespace {

using testing::IsOk;
using testing::StatusIs;

constexpr char kToken[] = "admin-token";
constexpr char kTokenHash[] = "10a4c7c9fc5206d6f36dc6944a81bb6f4a3cb0e25014ae3b12e6c3e52712292a";
constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;
constexpr auto kPermissionDenied = absl::StatusCode::kPermissionDenied;

std::set<std::string> AllMethods() {
  std::set<std::string> methods;
  for (const auto* file : {v1::RegisterRequest::descriptor()->file(),
                           v1::GetPoolStatusRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      const auto* service = file->service(s);
      for (int m = 0; m < service->method_count(); ++m) {
        methods.insert(absl::StrCat(service->full_name(), "/", service->method(m)->name()));
      }
    }
  }
  return methods;
}

class AccessPolicyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto tokens = ServiceTokens::Load(
        directory_.Write("tokens", absl::StrCat("oncall admin ", kTokenHash, "\n")),
        [](const absl::Status&) {}, &clock_);
    ASSERT_THAT(tokens, IsOk());
    tokens_ = *std::move(tokens);
  }

  testing::FakeClock clock_;
  const testing::TemporaryDirectory directory_;
  std::unique_ptr<ServiceTokens> tokens_;
};

TEST_F(AccessPolicyTest, TheTableNamesEveryRpcAndNoOther) {
  std::set<std::string> named;
  for (const auto& [method, role] : AccessPolicy::Table()) {
    EXPECT_TRUE(named.insert(std::string(method)).second) << method;
  }
  EXPECT_EQ(named, AllMethods());
}

// Every RPC with every kind of caller.
TEST_F(AccessPolicyTest, EveryRpcAsksForItsRole) {
  const AccessPolicy policy(tokens_.get());
  for (const auto& [method, role] : AccessPolicy::Table()) {
    SCOPED_TRACE(std::string(method));
    for (const char* authorization : {"", "Bearer ", "Bearer wrong", "Basic YWRtaW4tdG9rZW4=",
                                      "admin-token", "Beareradmin-token"}) {
      const absl::Status status = policy.Check(method, authorization).status;
      if (role == Role::kAnyone) {
        EXPECT_THAT(status, IsOk()) << authorization;
      } else {
        EXPECT_THAT(status, StatusIs(kUnauthenticated)) << authorization;
        EXPECT_EQ(account::GetErrorDetails(status).reason, account::Reason::kCallerNotAllowed);
      }
    }
    const AccessPolicy::Verdict admin = policy.Check(method, absl::StrCat("Bearer ", kToken));
    EXPECT_THAT(admin.status, IsOk());
    EXPECT_EQ(admin.caller, role == Role::kAnyone ? "" : "service:oncall");
    EXPECT_THAT(policy.Check(method, absl::StrCat("bearer  ", kToken)).status, IsOk());
  }
}

TEST_F(AccessPolicyTest, WhatTheTableDoesNotNameNobodyMay) {
  const AccessPolicy policy(tokens_.get());
  for (const char* method : {"", "auth.v1.AuthService/DropEverything", "auth.v1.AdminService/",
                             "AuthService/Register", "/auth.v1.AuthService/Register"}) {
    EXPECT_THAT(policy.Check(method, absl::StrCat("Bearer ", kToken)).status,
                StatusIs(kPermissionDenied))
        << method;
  }
}

TEST_F(AccessPolicyTest, WithoutATokensFileNobodyHasARole) {
  const AccessPolicy policy(nullptr);
  EXPECT_THAT(policy.Check("auth.v1.AuthService/Register", "").status, IsOk());
  EXPECT_THAT(policy.Check("auth.v1.AdminService/GetPoolStatus", "Bearer admin-token").status,
              StatusIs(kUnauthenticated));
}

}  // namespace
}  // namespace auth::rpc
