#include "client/authctl/failure_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/mock_auth_client.h"

namespace auth::authctl {
namespace {

using ::testing::HasSubstr;

CommandLine Line(const std::string& target, bool tls = false) {
  CommandLine line;
  line.channel.target = target;
  if (tls) line.channel.tls.emplace();
  return line;
}

TEST(FailureTextTest, WhatToTryDependsOnWhereTheServerShouldBe) {
  const absl::Status refused = absl::UnavailableError(
      "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.1:1: Failed to connect "
      "to remote host: Connection refused");
  const FailureText here = ExplainFailure(refused, Line("127.0.0.1:50051"), "");
  EXPECT_EQ(here.what, "server unreachable at 127.0.0.1:50051: Connection refused");
  EXPECT_EQ(here.hint, "Is it running? Try `deploy/run`, or name another with --server HOST:PORT.");
  EXPECT_FALSE(here.sent);
  const FailureText there = ExplainFailure(refused, Line("auth.example.com:443", true), "");
  EXPECT_EQ(there.hint, "Is it running there? Name another with --server HOST:PORT.");
  EXPECT_EQ(ExplainFailure(refused, Line("127.example.com:443", true), "").hint, there.hint);
}

TEST(FailureTextTest, AnEstablishedConnectionThatEndsIsNotUnreachable) {
  const FailureText lost = ExplainFailure(
      absl::UnavailableError("recvmsg:Connection reset by peer"), Line("127.0.0.1:50051"), "");
  EXPECT_EQ(lost.what, "lost the connection to 127.0.0.1:50051: recvmsg:Connection reset by peer");
  EXPECT_TRUE(lost.sent);
}

TEST(FailureTextTest, ATlsKeyThatDoesNotFitIsNamed) {
  const FailureText text =
      ExplainFailure(absl::UnavailableError("empty address list: "), Line("a:1", true), "");
  EXPECT_THAT(text.what, HasSubstr("the TLS files cannot be used"));
  EXPECT_THAT(text.hint, HasSubstr("--tls-key"));
}

TEST(FailureTextTest, TheServicesOwnReasonIsToldAsItIs) {
  const absl::Status draining =
      client::RefusedWith(absl::StatusCode::kUnavailable, v1::ERROR_REASON_SHUTTING_DOWN);
  EXPECT_EQ(ExplainFailure(draining, Line("a:1"), "").what, "SHUTTING_DOWN [SHUTTING_DOWN]");
}

TEST(FailureTextTest, ForeignTextCannotSteerTheTerminal) {
  const FailureText text =
      ExplainFailure(absl::InternalError("\x1b[2Jgone"), Line("127.0.0.1:1"), "");
  EXPECT_EQ(text.what, "127.0.0.1:1 answered INTERNAL: ?[2Jgone");
}

}  // namespace
}  // namespace auth::authctl
