#include "client/authctl/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>

#include "client/authctl/command_table.h"
#include "client/authctl/help_text.h"
#include "client/authctl/json.h"

namespace auth::authctl {
namespace {

void SetOrThrow(const std::string& name, absl::Status (*set)(const std::string&, CommandLine*),
                const std::string& value, CommandLine* line) {
  const absl::Status status = set(value, line);
  if (!status.ok()) throw CLI::ValidationError(name, std::string(status.message()));
}

void AddOption(const OptionSpec& spec, CLI::App* app, CommandLine* line) {
  CLI::Option* option = nullptr;
  if (spec.value.empty()) {
    option = app->add_flag_callback(
        spec.name, [&spec, line] { SetOrThrow(spec.name, spec.set, "", line); }, spec.help);
  } else {
    option = app->add_option_function<std::string>(
        spec.name,
        [&spec, line](const std::string& value) { SetOrThrow(spec.name, spec.set, value, line); },
        spec.help);
    option->take_last();
  }
  if (!spec.environment.empty()) option->envname(spec.environment);
  if (!spec.excludes.empty()) option->excludes(app->get_option(spec.excludes));
}

void AddArgument(const ArgumentSpec& spec, CLI::App* app, CommandLine* line) {
  CLI::Option* argument = app->add_option_function<std::string>(
      spec.name,
      [&spec, line](const std::string& value) { SetOrThrow(spec.name, spec.set, value, line); },
      spec.help);
  argument->required(spec.required);
  if (spec.only_known) argument->check(CLI::IsMember(spec.known));
}

// Lets --help print the text of the command table.
void PrintHelpOf(const std::string& path, CLI::App* app) {
  app->set_help_flag("-h,--help");
  app->formatter_fn(
      [path](const CLI::App*, const std::string&, CLI::AppFormatMode) { return HelpText(path); });
}

void AddCommand(const CommandSpec& spec, std::map<std::string, CLI::App*>* apps,
                CommandLine* line) {
  const size_t space = spec.name.rfind(' ');
  const std::string parent = space == std::string::npos ? "" : spec.name.substr(0, space);
  CLI::App* app = apps->at(parent)->add_subcommand(
      space == std::string::npos ? spec.name : spec.name.substr(space + 1), spec.help);
  app->parse_complete_callback([&spec, line] { line->command = spec.command; });
  app->fallthrough();
  PrintHelpOf(spec.name, app);
  for (const ArgumentSpec& argument : spec.arguments) AddArgument(argument, app, line);
  for (const OptionSpec& option : spec.options) AddOption(option, app, line);
}

void AddTable(CLI::App* app, CommandLine* line) {
  for (const OptionGroup& group : GlobalOptions()) {
    for (const OptionSpec& option : group.options) AddOption(option, app, line);
  }
  std::map<std::string, CLI::App*> apps = {{"", app}};
  for (const CommandGroup& group : CommandGroups()) {
    CLI::App* added = app->add_subcommand(group.name, group.help);
    added->require_subcommand(1);
    added->fallthrough();
    PrintHelpOf(group.name, added);
    apps[group.name] = added;
  }
  for (const CommandSpec& command : Commands()) AddCommand(command, &apps, line);
}

ExitCode UsageError(const std::string& sentence, int argc, char** argv) {
  const bool json = std::any_of(argv, argv + argc,
                                [](const char* word) { return std::string(word) == "--json"; });
  if (json) {
    std::cout << ToJson(absl::InvalidArgumentError(sentence), FailureNotes()) << "\n";
  } else {
    std::cerr << "authctl: " << sentence << "\nTry: authctl --help\n";
  }
  return kUsage;
}

}  // namespace

std::variant<CommandLine, ExitCode> ParseCommandLine(int argc, char** argv) {
  CommandLine line;
  CLI::App app(std::string(kSummary), "authctl");
  app.set_version_flag("--version", "authctl " AUTHCTL_VERSION);
  app.require_subcommand(1);
  PrintHelpOf("", &app);
  AddTable(&app, &line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ExtrasError&) {
    // Which ones is not repeated: they may be a password that was typed in the wrong place.
    return UsageError(
        "there are arguments that this command does not take; a password or a token never is one",
        argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      app.exit(error, std::cout, std::cerr);
      return kOk;
    }
    return UsageError(error.what(), argc, argv);
  }
  return line;
}

}  // namespace auth::authctl
