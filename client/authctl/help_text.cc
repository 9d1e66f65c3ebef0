#include "client/authctl/help_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/authctl/command_table.h"
#include "client/authctl/display_width.h"

namespace auth::authctl {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kHelpColumn = 28;

// `text` in lines that begin at column `indent`; the first goes on where `column` is.
std::string Wrapped(const std::string& text, size_t indent, size_t column) {
  std::string wrapped;
  bool begins = true;
  for (const std::string& word : std::vector<std::string>(absl::StrSplit(text, ' '))) {
    if (!begins && column + 1 + DisplayWidth(word) > kWidth) {
      wrapped += "\n" + std::string(indent, ' ');
      column = indent;
      begins = true;
    }
    absl::StrAppend(&wrapped, begins ? "" : " ", word);
    column += DisplayWidth(word) + (begins ? 0 : 1);
    begins = false;
  }
  return wrapped + "\n";
}

std::string Entry(const std::string& name, const std::string& help) {
  const std::string left = "  " + name;
  const bool fits = DisplayWidth(left) + 2 <= kHelpColumn;
  const size_t gap = fits ? kHelpColumn - DisplayWidth(left) : kHelpColumn;
  return absl::StrCat(left, fits ? "" : "\n", std::string(gap, ' '),
                      Wrapped(help, kHelpColumn, kHelpColumn));
}

std::string OptionEntry(const OptionSpec& option) {
  std::vector<std::string> notes;
  if (!option.default_value.empty()) notes.push_back("default " + option.default_value);
  if (!option.environment.empty()) notes.push_back("or " + option.environment);
  const std::string help = notes.empty()
                               ? option.help
                               : absl::StrCat(option.help, " [", absl::StrJoin(notes, "; "), "]");
  return Entry(option.value.empty() ? option.name : absl::StrCat(option.name, " ", option.value),
               help);
}

std::string Options(const std::string& title, const std::vector<OptionSpec>& options) {
  std::string text = options.empty() ? "" : absl::StrCat("\n", title, ":\n");
  for (const OptionSpec& option : options) text += OptionEntry(option);
  return text;
}

std::string Paragraphs(const std::string& text) {
  std::string paragraphs;
  for (const std::string& paragraph : std::vector<std::string>(absl::StrSplit(text, "\n\n"))) {
    if (!paragraph.empty()) paragraphs += "\n" + Wrapped(paragraph, 0, 0);
  }
  return paragraphs;
}

std::string Subcommands(const std::string& path) {
  std::string text = "\nCommands:\n";
  for (const auto& [name, help] : SubcommandsOf(path)) text += Entry(name, help);
  return text;
}

std::string OverallHelp() {
  std::string text = absl::StrCat("Usage: authctl COMMAND [OPTION...]\n",
                                  Paragraphs(std::string(kSummary)), Subcommands(""));
  for (const OptionGroup& group : GlobalOptions()) text += Options(group.title, group.options);
  absl::StrAppend(&text, "\n", Entry("--help", "Print this, or after a command its own help"),
                  Entry("--version", "Print the version"), Paragraphs(std::string(kConventions)));
  text += "\nExit codes:\n";
  for (const auto& [code, meaning] : ExitCodes()) text += Entry(absl::StrCat(code), meaning);
  text += "\nEnvironment, beside the variables above:\n";
  for (const EnvironmentSpec& variable : Environment()) text += Entry(variable.name, variable.help);
  return absl::StrCat(text, "\nExamples:\n  ", absl::StrJoin(Examples(), "\n  "), "\n");
}

std::string CommandHelp(const CommandSpec& command) {
  std::string usage = "Usage: authctl " + command.name;
  for (const ArgumentSpec& argument : command.arguments) {
    absl::StrAppend(&usage, argument.required ? " " : " [", argument.name,
                    argument.required ? "" : "]");
  }
  std::string text = absl::StrCat(usage, " [OPTION...]\n\n", command.help, ".\n");
  if (!command.arguments.empty()) text += "\nArguments:\n";
  for (const ArgumentSpec& argument : command.arguments)
    text += Entry(argument.name, argument.help);
  absl::StrAppend(&text, Options("Options", command.options), Paragraphs(command.more));
  return absl::StrCat(
      text, "\n`authctl --help` tells of the options of all commands and of the exit codes.\n");
}

}  // namespace

std::string HelpText(const std::string& path) {
  for (const CommandSpec& command : Commands()) {
    if (command.name == path) return CommandHelp(command);
  }
  for (const CommandGroup& group : CommandGroups()) {
    if (group.name != path) continue;
    return absl::StrCat("Usage: authctl ", path, " COMMAND [OPTION...]\n\n", group.help, ".\n",
                        Subcommands(path), "\n`authctl ", path,
                        " COMMAND --help` tells of the options of one.\n");
  }
  return OverallHelp();
}

}  // namespace auth::authctl
