// The completions and the manual page, as shells and man read them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/authctl/command_table.h"
#include "tests/integration/client/child_program.h"
#include "tests/support/temporary_directory.h"

namespace auth::testing {
namespace {

using authctl::CommandSpec;
using authctl::OptionGroup;
using authctl::OptionSpec;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

using Words = std::vector<std::string>;

std::string Printed(const Words& arguments) {
  Words all = {AUTHCTL_BINARY};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const Ended ended = RunProgram(all);
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  return ended.out;
}

Words GlobalOptionNames() {
  Words names;
  for (const OptionGroup& group : authctl::GlobalOptions()) {
    for (const OptionSpec& option : group.options) names.push_back(option.name);
  }
  return names;
}

class CompletionTest : public ::testing::Test {
 protected:
  // What bash offers for the last of the words, by the function that `complete -p` names.
  Words Complete(const Words& words) const {
    std::string line;
    for (const std::string& word : words) absl::StrAppend(&line, " '", word, "'");
    const std::string script = absl::StrCat(
        "set -u; cd ", directory_.path().string(), "; source ", script_, "; COMP_WORDS=(", line,
        "); COMP_CWORD=", words.size() - 1,
        "; [[ $(complete -p authctl) =~ -F\\ ([^ ]+) ]] || exit 1; ${BASH_REMATCH[1]} authctl; "
        "printf '%s\\n' ${COMPREPLY[@]+\"${COMPREPLY[@]}\"}");
    const Ended ended = RunProgram({"bash", "--norc", "-c", script});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.err, "");
    Words offered = absl::StrSplit(ended.out, '\n', absl::SkipEmpty());
    return offered;
  }

  const TemporaryDirectory directory_;
  const std::string script_ = directory_.Write("script", Printed({"completion", "bash"}));
};

TEST_F(CompletionTest, OffersCommands) {
  EXPECT_THAT(Complete({"authctl", ""}), ElementsAre("register", "sign-in", "validate", "sign-out",
                                                     "health", "pool", "completion"));
  EXPECT_THAT(Complete({"authctl", "si"}), ElementsAre("sign-in", "sign-out"));
  EXPECT_THAT(Complete({"authctl", "pool", ""}), ElementsAre("status", "watch", "recreate"));
  EXPECT_THAT(Complete({"authctl", "--server", "pool", "--json", "pool", "w"}),
              ElementsAre("watch"));
}

TEST_F(CompletionTest, OffersTheOptionsOfEveryCommand) {
  for (const CommandSpec& command : authctl::Commands()) {
    if (command.hidden) continue;
    Words words = absl::StrSplit(command.name, ' ');
    words.insert(words.begin(), "authctl");
    words.push_back("--");
    const Words offered = Complete(words);
    EXPECT_THAT(offered, IsSupersetOf(GlobalOptionNames()));
    for (const OptionSpec& option : command.options) EXPECT_THAT(offered, Contains(option.name));
    EXPECT_EQ(offered.size(), command.options.size() + GlobalOptionNames().size() + 2);
  }
  EXPECT_THAT(Complete({"authctl", "pool", "watch", "--int"}), ElementsAre("--interval"));
}

TEST_F(CompletionTest, OffersValuesWhereTheyAreKnown) {
  directory_.Write("token.txt", "");
  EXPECT_THAT(Complete({"authctl", "pool", "status", "--token-file", "tok"}),
              ElementsAre("token.txt"));
  EXPECT_THAT(Complete({"authctl", "--tls-ca", "=", "tok"}), ElementsAre("token.txt"));
  EXPECT_THAT(Complete({"authctl", "pool", "watch", "--interval", ""}), IsEmpty());
  EXPECT_THAT(Complete({"authctl", "completion", ""}), ElementsAre("bash", "zsh", "fish"));
  EXPECT_THAT(Complete({"authctl", "health", "d"}), ElementsAre("database"));
  EXPECT_THAT(Complete({"authctl", "register", ""}), IsEmpty());
}

TEST_F(CompletionTest, OtherShellsKnowEveryCommandAndOption) {
  for (const std::string shell : {"zsh", "fish"}) {
    const std::string script = Printed({"completion", shell});
    const auto option_in = [&](const OptionSpec& option) {
      EXPECT_THAT(script, HasSubstr(shell == "fish" ? " -l " + option.name.substr(2) + " "
                                                    : "'" + option.name));
    };
    for (const CommandSpec& command : authctl::Commands()) {
      if (command.hidden) continue;
      EXPECT_THAT(script, HasSubstr(command.name.substr(command.name.rfind(' ') + 1)));
      for (const OptionSpec& option : command.options) option_in(option);
    }
    for (const OptionGroup& group : authctl::GlobalOptions()) {
      for (const OptionSpec& option : group.options) option_in(option);
    }
    // Where the shell is here, it reads the script.
    const TemporaryDirectory directory;
    const Ended ended = RunProgram({"/bin/sh", "-c",
                                    "! command -v " + shell + " >/dev/null || " + shell + " -n " +
                                        directory.Write("script", script)});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
  }
}

TEST(ManualPageTest, CoversEveryCommandOptionAndVariable) {
  const std::string page = absl::StrReplaceAll(Printed({"man"}), {{"\\-", "-"}});
  const auto covers = [&page](const OptionSpec& option) {
    EXPECT_THAT(page, HasSubstr("\\fB" + option.name + "\\fR"));
    EXPECT_THAT(page, HasSubstr(option.environment));
  };
  for (const CommandSpec& command : authctl::Commands()) {
    if (command.hidden) continue;
    EXPECT_THAT(page, HasSubstr(".SS authctl " + command.name));
    for (const OptionSpec& option : command.options) covers(option);
  }
  for (const OptionGroup& group : authctl::GlobalOptions()) {
    for (const OptionSpec& option : group.options) covers(option);
  }
  for (const auto& variable : authctl::Environment()) EXPECT_THAT(page, HasSubstr(variable.name));
}

// Where groff is here.
TEST(ManualPageTest, IsRoffWithoutWarnings) {
  const TemporaryDirectory directory;
  const Ended ended = RunProgram({"/bin/sh", "-c",
                                  "! command -v groff >/dev/null || groff -man -Tutf8 -ww -z " +
                                      directory.Write("authctl.1", Printed({"man"})) + " 2>&1"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.out, "");
}

TEST(DocumentsTest, AreInstalledWithAuthctl) {
  const TemporaryDirectory directory;
  const std::filesystem::path prefix = directory.path() / "prefix";
  const Ended installed = RunProgram({CMAKE_PROGRAM, "--install", PROJECT_BUILD_DIR, "--prefix",
                                      prefix, "--component", "authctl"});
  ASSERT_EQ(installed.exit_code, 0) << installed.err;
  const auto content = [&prefix](const char* file) {
    return RunProgram({"cat", prefix / file}).out;
  };
  EXPECT_EQ(content("share/man/man1/authctl.1"), Printed({"man"}));
  EXPECT_EQ(content("share/bash-completion/completions/authctl"), Printed({"completion", "bash"}));
  EXPECT_EQ(content("share/zsh/site-functions/_authctl"), Printed({"completion", "zsh"}));
  EXPECT_EQ(content("share/fish/vendor_completions.d/authctl.fish"),
            Printed({"completion", "fish"}));
}

}  // namespace
}  // namespace auth::testing
