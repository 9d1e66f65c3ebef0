// authctl's pool commands as operators and scripts run them, against a scripted AdminService.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "tests/integration/client/child_program.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/client/fake_admin_server.h"
#include "tests/unit/client/fake_auth_server.h"

namespace auth::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kCursorHidden[] = "\x1b[?25l";
constexpr char kCursorShown[] = "\x1b[?25h";
constexpr char kScreenLeft[] = "\x1b[?1049l";

class AuthctlPoolTest : public ::testing::Test {
 protected:
  std::vector<std::string> Arguments(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {AUTHCTL_BINARY, "--server", server_.address(), "pool"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }

  Ended Run(const std::vector<std::string>& arguments,
            const std::map<std::string, std::string>& environment = {
                {"AUTHCTL_SERVICE_TOKEN", kAdminToken}}) const {
    return RunProgram(Arguments(arguments), {.environment = environment});
  }

  const ChildOptions options_ = {.environment = {{"AUTHCTL_SERVICE_TOKEN", kAdminToken}}};
  const std::map<std::string, std::string> terminal_ = {
      {"AUTHCTL_SERVICE_TOKEN", kAdminToken}, {"TERM", "xterm"}, {"NO_COLOR", ""}};
  FakeAdminServer server_;
  const TemporaryDirectory directory_;
};

auto LinesAtLeast(const RunningProgram& program, int count) {
  return [&program, count] {
    const std::string out = program.out();
    return std::count(out.begin(), out.end(), '\n') >= count;
  };
}

TEST_F(AuthctlPoolTest, StatusIsASummaryWithoutColours) {
  const Ended ended = Run({"status"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.err, "");
  EXPECT_THAT(ended.out, AllOf(HasSubstr("\ndatabase     up for 2m16s, since "),
                               HasSubstr("\nacquire    100    556us   9.10ms  1.50ms\n"),
                               Not(HasSubstr("\x1b"))));
}

TEST_F(AuthctlPoolTest, JsonIsProtoJsonInOneLine) {
  const Ended ended = Run({"status", "--json"});
  EXPECT_THAT(ended.out,
              AllOf(StartsWith(R"({"sequence":8,"time":"2023-11-14T22:15:35.500Z","ready":true,)"
                               R"("database":"DATABASE_STATE_UP",)"),
                    HasSubstr(R"("slots":[{"state":"in_use","generation":3,"age":"61s",)"),
                    EndsWith("}\n")));
  EXPECT_EQ(Run({"recreate", "--json"}).out, "{\"generation\":4}\n");
}

TEST_F(AuthctlPoolTest, RecreateSaysTheNewGeneration) {
  EXPECT_EQ(Run({"recreate"}).out, "Recreated the pool: generation 4\n");
  EXPECT_EQ(server_.recreated(), 1);
}

TEST_F(AuthctlPoolTest, TheServiceTokenComesFromFileStdinOrEnvironment) {
  const std::string file = directory_.Write("token", std::string(kAdminToken) + "\n");
  EXPECT_EQ(Run({"status", "--token-file", file}, {{"AUTHCTL_SERVICE_TOKEN", "other"}}).exit_code,
            0);
  EXPECT_EQ(
      RunProgram(Arguments({"status", "--token-stdin"}), {.stdin_text = kAdminToken}).exit_code, 0);
  // A session token is no service token.
  const Ended none =
      Run({"status"}, {{"AUTHCTL_TOKEN", kAdminToken}, {"AUTHCTL_SERVICE_TOKEN", ""}});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, AllOf(HasSubstr("--token-file FILE"), HasSubstr("AUTHCTL_SERVICE_TOKEN")));
  const Ended typed = RunOnTerminal(Arguments({"recreate"}),
                                    {{"Service token: ", std::string(kAdminToken) + "\n"}});
  EXPECT_EQ(typed.exit_code, 0) << typed.out;
  EXPECT_THAT(typed.out, Not(HasSubstr(kAdminToken)));
}

TEST_F(AuthctlPoolTest, ATokenThatGrpcCannotSendIsAUsageError) {
  const Ended ended = Run({"status", "--token-file", directory_.Write("t", "two\nlines")});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("is no service token"), Not(HasSubstr("two"))));
}

TEST_F(AuthctlPoolTest, AWrongTokenIsTracedToWhereItComesFrom) {
  const Ended wrong = Run({"status"}, {{"AUTHCTL_SERVICE_TOKEN", "wrong"}});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err,
              AllOf(StartsWith("authctl: " + server_.address() +
                               " does not know the service token of AUTHCTL_SERVICE_TOKEN\n"),
                    HasSubstr("--service-tokens-file"), Not(HasSubstr("wrong"))));
  const std::string file = directory_.Write("token", "monitoring-token");
  const Ended role = Run({"recreate", "--token-file", file});
  EXPECT_EQ(role.exit_code, 1);
  EXPECT_THAT(role.err, AllOf(HasSubstr("the service token of the file " + file + " may not do"),
                              HasSubstr("role admin")));
  EXPECT_EQ(server_.recreated(), 0);
  const Ended watch = Run({"watch", "--json"}, {{"AUTHCTL_SERVICE_TOKEN", "wrong"}});
  EXPECT_EQ(watch.exit_code, 1);
  EXPECT_THAT(watch.out, AllOf(HasSubstr(R"("code":"UNAUTHENTICATED")"),
                               HasSubstr(R"("hint":"The server lists)")));
}

TEST_F(AuthctlPoolTest, AServerWithoutAdminServiceSaysHowToGetIt) {
  const FakeAuthServer without;
  const Ended ended = Run({"status", "--server", without.address()});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("offers no AdminService\n"),
                               HasSubstr("--service-tokens-file FILE")));
}

TEST_F(AuthctlPoolTest, AFailureNamesItsTrace) {
  const Ended ended = Run({"status"}, {{"AUTHCTL_SERVICE_TOKEN", "wrong"}});
  ASSERT_EQ(server_.last_traceparent().size(), 55u);
  EXPECT_THAT(ended.err, EndsWith("In the server's log: trace " +
                                  server_.last_traceparent().substr(3, 32) + "\n"));
  const std::string mine = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  Run({"status"}, {{"AUTHCTL_SERVICE_TOKEN", "x"}, {"TRACEPARENT", mine}});
  EXPECT_EQ(server_.last_traceparent(), mine);
}

TEST_F(AuthctlPoolTest, WatchIsALineAnUpdateUntilSigterm) {
  RunningProgram watch(Arguments({"watch", "--interval", "100ms"}), options_);
  EXPECT_TRUE(Eventually(LinesAtLeast(watch, 3)));
  watch.Signal(SIGTERM);
  const Ended ended = watch.Wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.err, "");
  EXPECT_THAT(ended.out, StartsWith("2023-11-14T22:15:35Z database=up breaker=closed in_use=1 "));
  EXPECT_EQ(server_.interval_ms(), 100);
}

TEST_F(AuthctlPoolTest, WatchWithJsonIsAnObjectALine) {
  RunningProgram watch(Arguments({"watch", "--json", "--interval", "100ms"}), options_);
  EXPECT_TRUE(Eventually(LinesAtLeast(watch, 2)));
  watch.Signal(SIGINT);
  const Ended ended = watch.Wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.out, AllOf(StartsWith(R"({"sequence":8,)"), HasSubstr("\n{\"sequence\":9,"),
                               EndsWith("}\n")));
}

TEST_F(AuthctlPoolTest, WatchSurvivesARestartOfTheServer) {
  RunningProgram watch(Arguments({"watch", "--json", "--interval", "100ms"}), options_);
  EXPECT_TRUE(Eventually(LinesAtLeast(watch, 1)));
  server_.Stop();
  EXPECT_TRUE(Eventually(
      [&] { return watch.err().find("trying again until it is back\n") != std::string::npos; }));
  server_.Start();
  EXPECT_TRUE(Eventually([&] { return watch.err().find(" is back\n") != std::string::npos; }));
  const std::string before = watch.out();
  EXPECT_TRUE(Eventually([&] { return watch.out().size() > before.size(); }));
  watch.Signal(SIGTERM);
  const Ended ended = watch.Wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.err, MatchesRegex("authctl: [^\n]+; trying again until it is back\n"
                                      "authctl: 127\\.0\\.0\\.1:[0-9]+ is back\n"));
}

TEST_F(AuthctlPoolTest, WatchEndsWhileItWaitsForTheServer) {
  RunningProgram watch(Arguments({"watch", "--interval", "100ms"}), options_);
  EXPECT_TRUE(Eventually(LinesAtLeast(watch, 1)));
  server_.Stop();
  EXPECT_TRUE(Eventually([&] { return !watch.err().empty(); }));
  watch.Signal(SIGTERM);
  EXPECT_EQ(watch.Wait().exit_code, 0);
}

TEST_F(AuthctlPoolTest, WatchGivesUpWhenItsTokenIsNoLongerKnown) {
  RunningProgram watch(Arguments({"watch", "--interval", "100ms"}), options_);
  EXPECT_TRUE(Eventually(LinesAtLeast(watch, 1)));
  server_.Stop();
  server_.Start("another-token");
  const Ended ended = watch.Wait();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, HasSubstr("does not know the service token"));
}

TEST_F(AuthctlPoolTest, WatchOfAServerThatWasNeverThereFails) {
  server_.Stop();
  const Ended ended = Run({"watch"});
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.err, StartsWith("authctl: server unreachable at "));
}

TEST_F(AuthctlPoolTest, ATerminalShowsThePictureInPlaceAndCtrlCGivesItBack) {
  bool echo = false;
  const Ended ended = RunOnTerminal(Arguments({"watch", "--interval", "100ms"}),
                                    {{"LATENCY", ""}, {"LATENCY", "\x03"}}, &echo, terminal_);
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_TRUE(echo);
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr(kCursorHidden), HasSubstr("\x1b[32mup\x1b[0m"), HasSubstr("Ctrl-C")));
  // The last thing done to the cursor is to show it, and the last picture stays to be read.
  EXPECT_GT(ended.out.rfind(kCursorShown), ended.out.rfind(kCursorHidden));
  EXPECT_THAT(ended.out.substr(ended.out.rfind(kScreenLeft)), HasSubstr("connections"));
}

TEST_F(AuthctlPoolTest, ATerminalThatCannotMoveTheCursorGetsLines) {
  auto dumb = terminal_;
  dumb["TERM"] = "dumb";
  const Ended ended = RunOnTerminal(Arguments({"watch", "--interval", "100ms"}),
                                    {{"database=up", "\x03"}}, nullptr, dumb);
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.out, Not(HasSubstr("\x1b")));
}

TEST_F(AuthctlPoolTest, ColoursAreForTerminalsThatWantThem) {
  const std::vector<std::string> status = Arguments({"status"});
  EXPECT_THAT(RunOnTerminal(status, {}, nullptr, terminal_).out, HasSubstr("\x1b[32mup\x1b[0m"));
  auto without = terminal_;
  without["NO_COLOR"] = "1";
  EXPECT_THAT(RunOnTerminal(status, {}, nullptr, without).out,
              AllOf(HasSubstr("breaker"), Not(HasSubstr("\x1b"))));
}

TEST_F(AuthctlPoolTest, AnUpdateThatCannotBeWrittenEndsTheWatch) {
  const Ended ended = RunProgram(
      {"/bin/sh", "-c",
       std::string(AUTHCTL_BINARY) + " --server " + server_.address() + " pool watch >/dev/full"},
      options_);
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err, HasSubstr("cannot write"));
}

}  // namespace
}  // namespace auth::testing
