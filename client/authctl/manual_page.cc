#include "client/authctl/manual_page.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/authctl/command_table.h"

namespace auth::authctl {
namespace {

// Text as roff shows it: nothing in it is a request or becomes another character.
std::string Roff(const std::string& text) {
  const std::string escaped = absl::StrReplaceAll(
      text, {{"\\", "\\e"}, {"-", "\\-"}, {"'", "\\(aq"}, {"`", "\\(ga"}, {"…", "\\&..."}});
  return escaped.substr(0, 1) == "." ? "\\&" + escaped : escaped;
}

std::string Bold(const std::string& text) { return absl::StrCat("\\fB", Roff(text), "\\fR"); }
std::string Italic(const std::string& text) { return absl::StrCat("\\fI", Roff(text), "\\fR"); }

std::string Section(const std::string& title) { return absl::StrCat(".SH ", title, "\n"); }

std::string Tagged(const std::string& tag, const std::string& text) {
  return absl::StrCat(".TP\n", tag, "\n", Roff(text), "\n");
}

std::string Option(const OptionSpec& option) {
  std::string help = option.help + ".";
  if (!option.default_value.empty())
    absl::StrAppend(&help, " Default: ", option.default_value, ".");
  if (!option.environment.empty()) {
    absl::StrAppend(&help, " The variable ", option.environment, " stands for it.");
  }
  if (!option.excludes.empty()) absl::StrAppend(&help, " Not together with ", option.excludes, ".");
  return Tagged(option.value.empty() ? Bold(option.name)
                                     : absl::StrCat(Bold(option.name), " ", Italic(option.value)),
                help);
}

std::string Command(const CommandSpec& command) {
  std::string text = absl::StrCat(".SS authctl ", Roff(command.name));
  for (const ArgumentSpec& argument : command.arguments) {
    absl::StrAppend(&text, " ", argument.required ? argument.name : "[" + argument.name + "]");
  }
  absl::StrAppend(&text, "\n", Roff(command.help + "."), "\n");
  for (const std::string& paragraph :
       std::vector<std::string>(absl::StrSplit(command.more, "\n\n"))) {
    if (!paragraph.empty()) absl::StrAppend(&text, ".PP\n", Roff(paragraph), "\n");
  }
  for (const ArgumentSpec& argument : command.arguments) {
    text += Tagged(Italic(argument.name), argument.help + ".");
  }
  for (const OptionSpec& option : command.options) text += Option(option);
  return text;
}

}  // namespace

std::string ManualPage() {
  std::string page =
      absl::StrCat(".TH AUTHCTL 1 \"\" \"authctl " AUTHCTL_VERSION "\" \"User Commands\"\n",
                   Section("NAME"), "authctl \\- talk to an AuthService\n", Section("SYNOPSIS"),
                   Bold("authctl"), " ", Italic("COMMAND"), " [", Italic("OPTION"), "...]\n",
                   Section("DESCRIPTION"), Roff(std::string(kSummary)), "\n.PP\n",
                   Roff(std::string(kConventions)), "\n", Section("COMMANDS"));
  for (const CommandSpec& command : Commands()) {
    if (!command.hidden) page += Command(command);
  }
  page += Section("OPTIONS OF ALL COMMANDS");
  for (const OptionGroup& group : GlobalOptions()) {
    absl::StrAppend(&page, ".SS ", Roff(group.title), "\n");
    for (const OptionSpec& option : group.options) page += Option(option);
  }
  page += Tagged(Bold("--help"), "Print help; after a command, its own.") +
          Tagged(Bold("--version"), "Print the version.") + Section("ENVIRONMENT");
  for (const EnvironmentSpec& variable : Environment()) {
    page += Tagged(Bold(variable.name), variable.help + ".");
  }
  page += Section("EXIT STATUS");
  for (const auto& [code, meaning] : ExitCodes()) {
    page += Tagged(Bold(absl::StrCat(code)), meaning + ".");
  }
  absl::StrAppend(&page, Section("EXAMPLES"), ".nf\n");
  for (const std::string& example : Examples()) absl::StrAppend(&page, Roff(example), "\n");
  return page + ".fi\n";
}

}  // namespace auth::authctl
