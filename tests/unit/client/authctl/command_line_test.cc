#include "client/authctl/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "client/authctl/command_table.h"
#include "client/authctl/display_width.h"
#include "client/authctl/help_text.h"

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

TEST(CommandLineTest, PoolCommandsHaveTheirOwnOptions) {
  EXPECT_EQ(MustParse({"pool", "status"}).command, CommandLine::Command::kPoolStatus);
  EXPECT_EQ(MustParse({"pool", "recreate", "--token-file", "f"}).secret.file, "f");
  EXPECT_EQ(MustParse({"pool", "watch"}).interval, std::chrono::seconds(1));
  const CommandLine line =
      MustParse({"pool", "watch", "--interval", "250ms", "--json", "--server", "s:1"});
  EXPECT_EQ(line.command, CommandLine::Command::kPoolWatch);
  EXPECT_EQ(line.interval, milliseconds(250));
  EXPECT_TRUE(line.json);
  EXPECT_EQ(line.channel.target, "s:1");
  EXPECT_EQ(MustParse({"completion", "fish"}).shell, "fish");
}

TEST(CommandLineTest, EveryCommandAndOptionOfTheTableIsParsed) {
  for (const CommandSpec& command : Commands()) {
    std::vector<std::string> words = absl::StrSplit(command.name, ' ');
    for (const ArgumentSpec& argument : command.arguments) {
      if (argument.required) words.push_back(argument.known.empty() ? "x" : argument.known[0]);
    }
    std::vector<OptionSpec> options = command.options;
    for (const OptionGroup& group : GlobalOptions()) {
      options.insert(options.end(), group.options.begin(), group.options.end());
    }
    for (const OptionSpec& option : options) {
      std::vector<std::string> with_option = words;
      with_option.push_back(option.name);
      if (!option.value.empty()) with_option.push_back(option.value == "TIME" ? "1s" : "x");
      EXPECT_EQ(MustParse(with_option).command, command.command) << command.name << option.name;
    }
  }
}

TEST(CommandLineTest, TheDefaultsThatAreShownAreTrue) {
  const CommandLine untouched;
  const auto check = [&untouched](const OptionSpec& option) {
    if (option.default_value.empty()) return;
    CommandLine line;
    EXPECT_TRUE(option.set(option.default_value, &line).ok()) << option.name;
    EXPECT_EQ(line.channel.target, untouched.channel.target);
    EXPECT_EQ(line.timeout, untouched.timeout);
    EXPECT_EQ(line.interval, untouched.interval);
  };
  for (const OptionGroup& group : GlobalOptions()) {
    for (const OptionSpec& option : group.options) check(option);
  }
  for (const CommandSpec& command : Commands()) {
    for (const OptionSpec& option : command.options) check(option);
  }
}

TEST(CommandLineTest, HelpTellsOfEveryCommandAndOptionInLinesThatFit) {
  std::vector<std::string> paths = {"", "pool"};
  for (const CommandSpec& command : Commands()) {
    paths.push_back(command.name);
    for (const OptionSpec& option : command.options) {
      EXPECT_THAT(HelpText(command.name), ::testing::HasSubstr(option.name));
    }
  }
  for (const std::string& path : paths) {
    for (const std::string& line : std::vector<std::string>(absl::StrSplit(HelpText(path), '\n'))) {
      // Examples are to be copied, and stay whole.
      if (line.find("jq") != std::string::npos) continue;
      EXPECT_LE(DisplayWidth(line), 80u) << line;
    }
  }
  for (const OptionGroup& group : GlobalOptions()) {
    for (const OptionSpec& option : group.options) {
      EXPECT_THAT(HelpText(""), ::testing::HasSubstr(option.name));
    }
  }
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

TEST(CommandLineTest, TlsMayComeFromTheEnvironment) {
  const std::map<std::string, std::string> variables = {{"AUTHCTL_TLS_CA", "ca"},
                                                        {"AUTHCTL_TLS_CERT", "cert"},
                                                        {"AUTHCTL_TLS_KEY", "key"},
                                                        {"AUTHCTL_TLS_SERVER_NAME", "name"}};
  for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
  const CommandLine line = MustParse({"health"});
  const CommandLine with_flag = MustParse({"health", "--tls-ca", "from flag"});
  for (const auto& [name, value] : variables) ::unsetenv(name.c_str());
  ASSERT_TRUE(line.channel.tls.has_value());
  EXPECT_EQ(line.channel.tls->ca_file, "ca");
  EXPECT_EQ(line.channel.tls->cert_file, "cert");
  EXPECT_EQ(line.channel.tls->key_file, "key");
  EXPECT_EQ(line.channel.tls->server_name, "name");
  EXPECT_EQ(with_flag.channel.tls->ca_file, "from flag");
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
      {"pool"},
      {"pool", "frobnicate"},
      {"pool", "status", "--interval", "1s"},
      {"pool", "status", "--token", "secret"},
      {"pool", "watch", "--interval", "99ms"},
      {"pool", "watch", "--interval", "61s"},
      {"pool", "watch", "--token-stdin", "--token-file", "f"},
      {"completion"},
      {"completion", "csh"},
  };
  for (const std::vector<std::string>& arguments : wrong) {
    const auto parsed = Parse(arguments);
    ASSERT_TRUE(std::holds_alternative<ExitCode>(parsed)) << ::testing::PrintToString(arguments);
    EXPECT_EQ(std::get<ExitCode>(parsed), kUsage) << ::testing::PrintToString(arguments);
  }
}

TEST(CommandLineTest, HelpAndVersionAreNoErrors) {
  const std::vector<std::vector<std::string>> asked = {{"--help"},
                                                       {"--version"},
                                                       {"register", "--help"},
                                                       {"pool", "--help"},
                                                       {"pool", "watch", "-h"}};
  for (const std::vector<std::string>& arguments : asked) {
    const auto parsed = Parse(arguments);
    ASSERT_TRUE(std::holds_alternative<ExitCode>(parsed));
    EXPECT_EQ(std::get<ExitCode>(parsed), kOk);
  }
}

}  // namespace
}  // namespace auth::authctl
