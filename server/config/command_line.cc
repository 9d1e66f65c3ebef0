#include "server/config/command_line.h"

#include <CLI/CLI.hpp>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/config/closest_name.h"

namespace auth::server {
namespace {

absl::Status Unexpected(const std::string& argument, const std::vector<Option>& options) {
  if (!absl::StartsWith(argument, "-")) {
    return absl::InvalidArgumentError(
        absl::StrCat("unexpected argument `", argument, "`; auth_server takes flags only"));
  }
  std::vector<std::string> names = {"--config", "--print-config", "--version", "--help"};
  for (const Option& option : options) names.push_back("--" + option.name);
  const std::string flag = argument.substr(0, argument.find('='));
  return absl::InvalidArgumentError(absl::StrCat(flag, " is no flag of auth_server; did you mean ",
                                                 ClosestName(flag, names), "?"));
}

// CLI11 parses arguments from the back of the vector, and takes `--name=` for a name without value.
std::vector<std::string> ForCli11(const std::vector<std::string>& arguments) {
  std::vector<std::string> reversed;
  for (auto argument = arguments.rbegin(); argument != arguments.rend(); ++argument) {
    const bool empty_value =
        absl::StartsWith(*argument, "--") && argument->find('=') == argument->size() - 1;
    if (empty_value) reversed.emplace_back();
    reversed.push_back(empty_value ? argument->substr(0, argument->size() - 1) : *argument);
  }
  return reversed;
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments,
                                             const std::vector<Option>& options) {
  CommandLine line;
  CLI::App app;
  app.set_help_flag();  // ours is made from the table of options
  app.allow_extras();   // reported below, in our words
  app.add_flag("-h,--help", line.help);
  app.add_flag("--version", line.version);
  app.add_flag("--print-config", line.print_config);

  std::map<std::string, std::string> values;
  std::map<std::string, CLI::Option*> flags;
  flags["config"] = app.add_option("--config", values["config"]);
  for (const Option& option : options) {
    std::string& value = values[option.name];
    flags[option.name] = option.value_name.empty() ? app.add_flag("--" + option.name, value)
                                                   : app.add_option("--" + option.name, value);
  }
  for (const auto& [name, flag] : flags) {
    flag->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }

  try {
    app.parse(ForCli11(arguments));
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(absl::StrCat(error.what(), "; see auth_server --help"));
  }
  if (const std::vector<std::string> extras = app.remaining(); !extras.empty()) {
    return Unexpected(extras.front(), options);
  }
  for (const auto& [name, flag] : flags) {
    if (flag->count() == 0) continue;
    // CLI11 says "true" for a flag that stands alone.
    const bool alone = flag->get_expected_max() == 0 && values[name] == "true";
    line.settings[name] = {alone ? "on" : values[name], "--" + name};
  }
  return line;
}

}  // namespace auth::server
