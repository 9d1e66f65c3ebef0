#include "client/authctl/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

namespace auth::authctl {
namespace {

using std::chrono::milliseconds;

std::variant<CommandLine, ExitCode> Parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "authctl");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return ParseCommandLine(static_cast<int>(argv.size()), argv.data());
}

CommandLine MustParse(const std::vector<std::string>& arguments) {
  const auto parsed = Parse(arguments);
  EXPECT_TRUE(std::holds_alternative<CommandLine>(parsed));
  return std::holds_alternative<CommandLine>(parsed) ? std::get<CommandLine>(parsed)
                                                     : CommandLine();
}

TEST(CommandLineTest, DefaultsAreALocalServerInPlaintext) {
  ::unsetenv("AUTHCTL_SERVER");
  const CommandLine line = MustParse({"register", "ana@example.com"});
  EXPECT_EQ(line.command, CommandLine::Command::kRegister);
  EXPECT_EQ(line.email, "ana@example.com");
  EXPECT_EQ(line.channel.target, "127.0.0.1:50051");
  EXPECT_FALSE(line.channel.tls.has_value());
  EXPECT_EQ(line.timeout, std::chrono::seconds(10));
  EXPECT_FALSE(line.json);
}

TEST(CommandLineTest, EveryCommandIsKnown) {
  EXPECT_EQ(MustParse({"sign-in", "a@b.c"}).command, CommandLine::Command::kSignIn);
  EXPECT_EQ(MustParse({"validate"}).command, CommandLine::Command::kValidate);
  EXPECT_EQ(MustParse({"sign-out"}).command, CommandLine::Command::kSignOut);
  EXPECT_EQ(MustParse({"health"}).command, CommandLine::Command::kHealth);
  EXPECT_EQ(MustParse({"health"}).service, "auth.v1.AuthService");
  EXPECT_EQ(MustParse({"health", "database"}).service, "database");
  EXPECT_EQ(MustParse({"health", ""}).service, "");
}

TEST(CommandLineTest, OptionsMayFollowTheCommand) {
  for (const CommandLine& line :
       {MustParse({"--server", "s:1", "--json", "--timeout", "500ms", "validate", "--token-stdin"}),
        MustParse({"validate", "--token-stdin", "--server=s:1", "--timeout=500ms", "--json"})}) {
    EXPECT_EQ(line.channel.target, "s:1");
    EXPECT_EQ(line.timeout, milliseconds(500));
    EXPECT_TRUE(line.json);
    EXPECT_TRUE(line.secret.from_stdin);
  }
}

TEST(CommandLineTest, EveryTlsOptionMeansTls) {
  EXPECT_TRUE(MustParse({"--tls", "health"}).channel.tls.has_value());
  const CommandLine line = MustParse({"--tls-ca", "ca", "--tls-cert", "cert", "--tls-key", "key",
                                      "--tls-server-name", "name", "health"});
  ASSERT_TRUE(line.channel.tls.has_value());
  EXPECT_EQ(line.channel.tls->ca_file, "ca");
  EXPECT_EQ(line.channel.tls->cert_file, "cert");
  EXPECT_EQ(line.channel.tls->key_file, "key");
  EXPECT_EQ(line.channel.tls->server_name, "name");
}

TEST(CommandLineTest, TheServerMayComeFromTheEnvironmentButTheFlagWins) {
  ::setenv("AUTHCTL_SERVER", "from.environment:1", 1);
  EXPECT_EQ(MustParse({"health"}).channel.target, "from.environment:1");
  EXPECT_EQ(MustParse({"health", "--server", "from.flag:1"}).channel.target, "from.flag:1");
  ::unsetenv("AUTHCTL_SERVER");
}

TEST(CommandLineTest, WhatMakesNoSenseIsAUsageError) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"register"},
      {"register", "a@b.c", "password"},
      {"sign-in", "a@b.c", "--password", "secret"},
      {"sign-in", "a@b.c", "--password-stdin", "--password-file", "f"},
      {"validate", "--token", "secret"},
      {"validate", "sign-out"},
      {"frobnicate"},
      {"health", "--timeout", "5"},
      {"health", "--timeout", "0s"},
      {"health", "--timeout", "-1s"},
      {"health", "--timeout", "25h"},
  };
  for (const std::vector<std::string>& arguments : wrong) {
    const auto parsed = Parse(arguments);
    ASSERT_TRUE(std::holds_alternative<ExitCode>(parsed)) << ::testing::PrintToString(arguments);
    EXPECT_EQ(std::get<ExitCode>(parsed), kUsage) << ::testing::PrintToString(arguments);
  }
}

TEST(CommandLineTest, HelpAndVersionAreNoErrors) {
  const std::vector<std::vector<std::string>> asked = {
      {"--help"}, {"--version"}, {"register", "--help"}};
  for (const std::vector<std::string>& arguments : asked) {
    const auto parsed = Parse(arguments);
    ASSERT_TRUE(std::holds_alternative<ExitCode>(parsed));
    EXPECT_EQ(std::get<ExitCode>(parsed), kOk);
  }
}

}  // namespace
}  // namespace auth::authctl
