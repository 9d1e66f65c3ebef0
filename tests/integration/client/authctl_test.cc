// authctl as users and scripts run it, against a scripted server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/client/child_program.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificate.h"
#include "tests/unit/client/fake_auth_server.h"

namespace auth::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kPassword[] = "correct horse battery staple";

class AuthctlTest : public ::testing::Test {
 protected:
  std::vector<std::string> Arguments(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {AUTHCTL_BINARY, "--server", server_.address()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }

  Ended Run(const std::vector<std::string>& arguments, const ChildOptions& options = {}) const {
    return RunProgram(Arguments(arguments), options);
  }
  // Registers with a password from stdin.
  Ended Register(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"register", "ana@example.com", "--password-stdin"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments, {.stdin_text = std::string(kPassword) + "\n"});
  }

  std::string TraceIdOfLastCall() const { return server_.traceparents().back().substr(3, 32); }

  FakeAuthServer server_;
  const TemporaryDirectory directory_;
};

TEST_F(AuthctlTest, RegisterPrintsUserAndSession) {
  const Ended ended = Register();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.out, std::string("Registered ana@example.com\n") + "user:     " + kUserId +
                           "\nsession:  " + kSessionId +
                           "\nexpires:  2033-05-18T03:33:20Z\ntoken:    " + kSessionToken + "\n");
  EXPECT_EQ(ended.err, "");
  ASSERT_EQ(server_.registrations().size(), 1u);
  EXPECT_EQ(server_.registrations()[0].password(), kPassword);
  EXPECT_EQ(server_.registrations()[0].request_id().size(), 36u);
}

TEST_F(AuthctlTest, JsonIsThePublishedForm) {
  const Ended ended = Register({"--json"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.out, StartsWith(std::string(R"({"user":{"id":")") + kUserId +
                                    R"(","email":"ana@example.com","emailVerified":null,)"));
  EXPECT_THAT(ended.out, HasSubstr(std::string(R"("sessionToken":")") + kSessionToken));
}

TEST_F(AuthctlTest, SignInReadsThePasswordFromAFile) {
  const Ended ended =
      Run({"sign-in", "ana@example.com", "--password-file", directory_.Write("p", kPassword)});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.out, AllOf(StartsWith("Signed in ana@example.com\n"),
                               HasSubstr(std::string("token:    ") + kSessionToken)));
}

TEST_F(AuthctlTest, OneLineEndAndNothingElseIsDroppedFromAPassword) {
  for (const std::string end : {"", "\n", "\r\n"}) {
    ASSERT_EQ(Run({"register", "a@b.c", "--password-file",
                   directory_.Write("p", "  a pass word  " + end)})
                  .exit_code,
              0);
    EXPECT_EQ(server_.registrations().back().password(), "  a pass word  ");
  }
  ASSERT_EQ(
      Run({"register", "a@b.c", "--password-file", directory_.Write("p", "two\n\n")}).exit_code, 0);
  EXPECT_EQ(server_.registrations().back().password(), "two\n");
}

TEST_F(AuthctlTest, ATokenComesFromStdinFileOrEnvironment) {
  const std::string expected =
      std::string("Valid session of ana@example.com\nuser:     ") + kUserId;
  const std::string token = kSessionToken;
  for (const Ended& ended : {
           Run({"validate", "--token-stdin"}, {.stdin_text = " " + token + "\n"}),
           Run({"validate", "--token-file", directory_.Write("token", token + "\n\n")}),
           Run({"validate"}, {.environment = {{"AUTHCTL_TOKEN", token}}}),
           Run({"validate", "--token-stdin"},
               {.stdin_text = token, .environment = {{"AUTHCTL_TOKEN", "another"}}}),
       }) {
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_THAT(ended.out, AllOf(StartsWith(expected), Not(HasSubstr("token"))));
  }
}

TEST_F(AuthctlTest, SignOutSaysSo) {
  const ChildOptions options = {.environment = {{"AUTHCTL_TOKEN", kSessionToken}}};
  EXPECT_EQ(Run({"sign-out"}, options).out, "Signed out\n");
  EXPECT_EQ(Run({"sign-out", "--json"}, options).out, "{}\n");
}

TEST_F(AuthctlTest, ARefusalPrintsReasonAndEveryViolation) {
  google::rpc::BadRequest bad_request;
  for (const char* field : {"email", "password"}) {
    auto* violation = bad_request.add_field_violations();
    violation->set_field(field);
    violation->set_reason("REQUIRED");
    violation->set_description(std::string("Give the ") + field);
  }
  const auto refusal = ServiceError(grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELDS",
                                    "Correct the fields", {&bad_request});
  server_.AnswerNext(refusal, 2);
  const Ended text = Register();
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_EQ(text.out, "");
  EXPECT_EQ(text.err,
            "authctl: Correct the fields [INVALID_FIELDS]\n"
            "  email: Give the email [REQUIRED]\n"
            "  password: Give the password [REQUIRED]\n"
            "In the server's log: trace " +
                TraceIdOfLastCall() + "\n");

  const Ended json = Register({"--json"});
  EXPECT_EQ(json.exit_code, 1);
  EXPECT_EQ(json.err, "");
  EXPECT_EQ(json.out,
            R"({"error":{"code":"INVALID_ARGUMENT","reason":"INVALID_FIELDS",)"
            R"("message":"Correct the fields","fieldViolations":[)"
            R"({"field":"email","reason":"REQUIRED","description":"Give the email"},)"
            R"({"field":"password","reason":"REQUIRED","description":"Give the password"}],)"
            R"("traceId":")" +
                TraceIdOfLastCall() + "\"}}\n");
}

TEST_F(AuthctlTest, ARateLimitSaysWhenToTryAgain) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(6);
  server_.AnswerNext(ServiceError(grpc::StatusCode::RESOURCE_EXHAUSTED, "RATE_LIMITED",
                                  "Too many attempts", {&retry}));
  const Ended ended =
      Run({"sign-in", "ana@example.com", "--password-stdin"}, {.stdin_text = kPassword});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, HasSubstr("Too many attempts [RATE_LIMITED]\nTry again in 6s.\n"));
}

TEST_F(AuthctlTest, WhatMayWorkLaterIsUnavailable) {
  server_.AnswerNext(
      ServiceError(grpc::StatusCode::RESOURCE_EXHAUSTED, "OVERLOADED", "Try again soon"));
  const Ended overloaded = Register();
  EXPECT_EQ(overloaded.exit_code, 3);
  EXPECT_THAT(overloaded.err, Not(HasSubstr("--request-id")));  // nothing was stored

  server_.AnswerNext(
      ServiceError(grpc::StatusCode::UNAVAILABLE, "OUTCOME_UNKNOWN", "Repeat the call"), 5);
  const Ended unknown = Register();
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.err,
              HasSubstr("add --request-id " + server_.registrations().back().request_id() + "\n"));
}

TEST_F(AuthctlTest, ARepeatUsesTheGivenRequestId) {
  const std::string id = "01890000-0000-7000-8000-00000000000a";
  ASSERT_EQ(Register({"--request-id", id}).exit_code, 0);
  EXPECT_EQ(server_.registrations().back().request_id(), id);
}

TEST_F(AuthctlTest, ASilentServerIsUnavailableAfterTheTimeout) {
  server_.HoldCalls();
  const Ended ended = Register({"--timeout", "300ms"});
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("no answer from " + server_.address() + " within 300ms"),
                               HasSubstr("--request-id")));
}

TEST_F(AuthctlTest, AServerThatIsNotThereIsNamed) {
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"health"}, {"sign-out"}}) {
    std::vector<std::string> arguments = {AUTHCTL_BINARY, "--server", "127.0.0.1:1"};
    arguments.insert(arguments.end(), command.begin(), command.end());
    const Ended ended = RunProgram(arguments, {.environment = {{"AUTHCTL_TOKEN", "t"}}});
    EXPECT_EQ(ended.exit_code, 3);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, AllOf(StartsWith("authctl: server unreachable at 127.0.0.1:1: "),
                                 HasSubstr("--server HOST:PORT")));
  }
}

TEST_F(AuthctlTest, AServerThatIsNoAuthServiceIsARefusal) {
  server_.AnswerNext(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, ""));
  const Ended ended = Register();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, StartsWith("authctl: " + server_.address() + " answered UNIMPLEMENTED\n"));
}

TEST_F(AuthctlTest, HealthIsAProbe) {
  const Ended ready = Run({"health"});
  EXPECT_EQ(ready.exit_code, 0);
  EXPECT_EQ(ready.out, "auth.v1.AuthService: SERVING\n");
  EXPECT_EQ(Run({"health", ""}).out, "the process: SERVING\n");
  EXPECT_EQ(Run({"health", "--json"}).out,
            "{\"service\":\"auth.v1.AuthService\",\"status\":\"SERVING\"}\n");

  server_.SetServing(false);
  const Ended not_ready = Run({"health"});
  EXPECT_EQ(not_ready.exit_code, 1);
  EXPECT_EQ(not_ready.out, "auth.v1.AuthService: NOT_SERVING\n");
  EXPECT_EQ(Run({"health", ""}).exit_code, 0);

  const Ended unknown = Run({"health", "no.such.Service"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_EQ(unknown.out, "no.such.Service: SERVICE_UNKNOWN\n");
}

TEST_F(AuthctlTest, WrongFilesAndTargetsAreUsageErrorsAndNothingIsSent) {
  struct Case {
    std::vector<std::string> arguments;
    std::string message;
  };
  const std::vector<Case> cases = {
      {{"register", "a@b.c", "--password-file", directory_.path() / "missing"}, "No such file"},
      {{"register", "a@b.c", "--password-file", directory_.path()}, "it is no file"},
      {{"register", "a@b.c", "--password-file", directory_.Write("empty", "\n")}, "is empty"},
      {{"register", "a@b.c", "--password-file", "/dev/zero"}, "holds too much"},
      {{"register", "a@b.c", "--password-stdin"}, "stdin is empty"},
      {{"register", "a@b.c"}, "--password-stdin or --password-file"},
      {{"validate"}, "AUTHCTL_TOKEN"},
      {{"validate", "--token-file", directory_.path() / "missing"}, "No such file"},
      {{"health", "--tls-ca", directory_.path() / "missing"}, "No such file"},
      {{"health", "--server", "auth.example.com:1"}, "plaintext"},
      {{"no-such-command"}, "Try: authctl --help"},
  };
  for (const Case& wrong : cases) {
    const Ended ended = Run(wrong.arguments, {.environment = {{"AUTHCTL_TOKEN", ""}}});
    EXPECT_EQ(ended.exit_code, 2) << wrong.message;
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, AllOf(StartsWith("authctl: "), HasSubstr(wrong.message)));
  }
  EXPECT_EQ(server_.calls(), 0);
}

TEST_F(AuthctlTest, APasswordInTheWrongPlaceIsNotRepeated) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"register", "a@b.c", "hunter2"},
                                             {"sign-in", "a@b.c", "--password", "hunter2"},
                                             {"validate", "hunter2"},
                                             {"validate", "--token=hunter2"}}) {
    const Ended ended = Run(arguments);
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_THAT(ended.out + ended.err, Not(HasSubstr("hunter2")));
  }
}

TEST_F(AuthctlTest, AnAnswerThatCannotBeWrittenIsNotOk) {
  const Ended ended = RunProgram(
      {"/bin/sh", "-c",
       std::string(AUTHCTL_BINARY) + " --server " + server_.address() + " health >/dev/full"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err, HasSubstr("cannot write"));
}

TEST_F(AuthctlTest, ATerminalAsksTwiceForANewPasswordAndShowsNone) {
  bool echo = false;
  const Ended ended = RunOnTerminal(Arguments({"register", "ana@example.com"}),
                                    {{"Password: ", std::string(kPassword) + "\n"},
                                     {"Password again: ", std::string(kPassword) + "\n"}},
                                    &echo);
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("Registered "), Not(HasSubstr(kPassword))));
  EXPECT_TRUE(echo);
  ASSERT_EQ(server_.registrations().size(), 1u);
  EXPECT_EQ(server_.registrations()[0].password(), kPassword);
}

TEST_F(AuthctlTest, TwoDifferentPasswordsAreNotSent) {
  const Ended ended = RunOnTerminal(Arguments({"register", "ana@example.com"}),
                                    {{"Password: ", "one\n"}, {"Password again: ", "other\n"}});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.out, HasSubstr("differ"));
  EXPECT_EQ(server_.calls(), 0);
}

TEST_F(AuthctlTest, ATerminalAsksOnceToSignInAndForAToken) {
  const Ended signed_in = RunOnTerminal(Arguments({"sign-in", "ana@example.com"}),
                                        {{"Password: ", std::string(kPassword) + "\n"}});
  EXPECT_EQ(signed_in.exit_code, 0);
  EXPECT_THAT(signed_in.out, Not(HasSubstr(kPassword)));

  const Ended valid = RunOnTerminal(Arguments({"validate"}),
                                    {{"Session token: ", std::string(kSessionToken) + "\n"}});
  EXPECT_EQ(valid.exit_code, 0);
  EXPECT_THAT(valid.out, Not(HasSubstr(kSessionToken)));
}

TEST_F(AuthctlTest, CtrlCAtThePromptEndsItAndLeavesTheTerminalAsItWas) {
  bool echo = false;
  const Ended ended = RunOnTerminal(Arguments({"sign-in", "ana@example.com"}),
                                    {{"Password: ", "half a pass\x03"}}, &echo);
  EXPECT_EQ(ended.exit_code, 128 + SIGINT);
  EXPECT_TRUE(echo);
  EXPECT_EQ(server_.calls(), 0);
}

TEST_F(AuthctlTest, TheEndOfInputAtThePromptIsAUsageError) {
  bool echo = false;
  const Ended ended =
      RunOnTerminal(Arguments({"sign-in", "ana@example.com"}), {{"Password: ", "\x04"}}, &echo);
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_TRUE(echo);
}

TEST_F(AuthctlTest, TalksTls) {
  const TestCertificate pem = MakeSelfSignedCertificate("auth.test", "DNS:auth.test");
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs = {{pem.key, pem.certificate}};
  const FakeAuthServer server(grpc::SslServerCredentials(options));
  const std::string ca = directory_.Write("ca.pem", pem.certificate);

  const Ended trusted = Run(
      {"health", "--server", server.address(), "--tls-ca", ca, "--tls-server-name", "auth.test"});
  EXPECT_EQ(trusted.exit_code, 0) << trusted.err;
  const Ended plaintext = Run({"health", "--server", server.address()});
  EXPECT_EQ(plaintext.exit_code, 3);
  EXPECT_THAT(plaintext.err, HasSubstr("--tls-ca FILE"));
  const Ended wrong_name = Run({"health", "--server", server.address(), "--tls-ca", ca});
  EXPECT_EQ(wrong_name.exit_code, 3);
}

}  // namespace
}  // namespace auth::testing
