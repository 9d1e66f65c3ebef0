#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "client/authctl/command_line.h"

namespace auth::authctl {

// All commands, options and arguments of authctl, once: what the parser, --help, the completions
// and the manual page are made from. Built on first use, never changed.

struct OptionSpec {
  std::string name;   // "--server"
  std::string value;  // what --help calls its value: "HOST:PORT", "FILE"; empty = a flag
  std::string help;
  // Puts the value into the command line; INVALID_ARGUMENT says what is wrong with it. Of a flag
  // the value is empty.
  absl::Status (*set)(const std::string& value, CommandLine* line);
  std::string default_value = {};  // only shown: CommandLine holds it
  std::string environment = {};    // the variable that stands for it
  std::string excludes = {};       // the option that may not be given together with it
};

struct ArgumentSpec {
  std::string name;  // "EMAIL"
  std::string help;
  absl::Status (*set)(const std::string& value, CommandLine* line);
  bool required = true;
  std::vector<std::string> known = {};  // values worth offering
  bool only_known = false;              // and no others
};

struct CommandSpec {
  CommandLine::Command command;
  std::string name;  // "register", "pool status"
  std::string help;
  std::string more = {};  // paragraphs, below the options
  std::vector<ArgumentSpec> arguments = {};
  std::vector<OptionSpec> options = {};
  bool hidden = false;
};

// Commands that share their first word.
struct CommandGroup {
  std::string name;
  std::string help;
};

// Options that every command takes.
struct OptionGroup {
  std::string title;
  std::vector<OptionSpec> options;
};

struct EnvironmentSpec {
  std::string name;
  std::string help;
};

inline constexpr std::string_view kSummary =
    "Talks to an AuthService: registers users, signs them in, shows and mends its database pool.";
inline constexpr std::string_view kConventions =
    "With --json, stdout holds one JSON object, also for a failure: {\"error\": …}. Colours are "
    "for "
    "terminals only; NO_COLOR turns them off. A failed call names its trace id, by which the "
    "server's log is searched.";

const std::vector<CommandSpec>& Commands();
const std::vector<CommandGroup>& CommandGroups();
const std::vector<OptionGroup>& GlobalOptions();
// Variables that stand for no option.
const std::vector<EnvironmentSpec>& Environment();
// Exit code, and what it means.
const std::vector<std::pair<ExitCode, std::string>>& ExitCodes();
const std::vector<std::string>& Examples();

// The commands whose name begins with `path` and has one word more, with groups as one each; hidden
// ones left out. {name, help}.
std::vector<std::pair<std::string, std::string>> SubcommandsOf(const std::string& path);

}  // namespace auth::authctl
