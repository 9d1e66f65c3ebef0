#include "client/authctl/command_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace auth::authctl {
namespace {

using Command = CommandLine::Command;

// Reads `10s`, `500ms`, `1m30s`.
absl::Status ReadTime(const std::string& text, absl::Duration min, absl::Duration max,
                      std::chrono::nanoseconds* time) {
  absl::Duration read;
  if (!absl::ParseDuration(text, &read) || read < min || read > max) {
    return absl::InvalidArgumentError(absl::StrCat("needs a time from ", absl::FormatDuration(min),
                                                   " to ", absl::FormatDuration(max),
                                                   ", such as 500ms or 10s"));
  }
  *time = absl::ToChronoNanoseconds(read);
  return absl::OkStatus();
}

client::TlsOptions& Tls(CommandLine* line) {
  if (!line->channel.tls.has_value()) line->channel.tls.emplace();
  return *line->channel.tls;
}

template <auto member>
absl::Status SetText(const std::string& value, CommandLine* line) {
  line->*member = value;
  return absl::OkStatus();
}

template <auto member>
absl::Status SetTls(const std::string& value, CommandLine* line) {
  Tls(line).*member = value;
  return absl::OkStatus();
}

std::vector<OptionSpec> SecretOptions(const std::string& what) {
  const std::string last_word = what.substr(what.rfind(' ') + 1);
  const std::string file = absl::StrCat("--", last_word, "-file");
  return {
      {file, "FILE", absl::StrCat("Read the ", what, " from a file (one line end is dropped)"),
       [](const std::string& value, CommandLine* line) {
         line->secret.file = value;
         return absl::OkStatus();
       }},
      {absl::StrCat("--", last_word, "-stdin"), "", absl::StrCat("Read the ", what, " from stdin"),
       [](const std::string&, CommandLine* line) {
         line->secret.from_stdin = true;
         return absl::OkStatus();
       },
       "", "", file}};
}

ArgumentSpec Email() { return {"EMAIL", "Address of the user", &SetText<&CommandLine::email>}; }

const char kPassword[] = "Without an option the password is asked at the terminal.";
const char kToken[] =
    "Without an option the session token is AUTHCTL_TOKEN of the environment, or asked at the "
    "terminal.";
const char kServiceToken[] =
    "The service token is one of the server's --service-tokens-file with the role admin. Without "
    "an option it is AUTHCTL_SERVICE_TOKEN of the environment, or asked at the terminal. It never "
    "is an argument, which every user of the machine can read.";

std::vector<CommandSpec> UserCommands() {
  std::vector<OptionSpec> register_options = {
      {"--request-id", "UUID", "Repeat the registration of this id: never makes a second user",
       &SetText<&CommandLine::request_id>}};
  for (OptionSpec& option : SecretOptions("password")) {
    register_options.push_back(std::move(option));
  }
  return {
      {Command::kRegister,
       "register",
       "Register a user and sign him in",
       kPassword,
       {Email()},
       register_options},
      {Command::kSignIn,
       "sign-in",
       "Sign a user in: a new session",
       kPassword,
       {Email()},
       SecretOptions("password")},
      {Command::kValidate,
       "validate",
       "Tell whose session a token is",
       kToken,
       {},
       SecretOptions("session token")},
      {Command::kSignOut,
       "sign-out",
       "End the session of a token",
       kToken,
       {},
       SecretOptions("session token")},
  };
}

CommandSpec Health() {
  return {Command::kHealth,
          "health",
          "Ask for the server's health: 0 = SERVING",
          "",
          {{"SERVICE",
            "auth.v1.AuthService (ready to work; the default), database, or '' (the process lives)",
            &SetText<&CommandLine::service>,
            /*required=*/false,
            {"auth.v1.AuthService", "database"}}}};
}

std::vector<CommandSpec> PoolCommands() {
  std::vector<OptionSpec> watch_options = {
      {"--interval", "TIME", "Time between two updates, from 100ms to 1m",
       [](const std::string& value, CommandLine* line) {
         return ReadTime(value, absl::Milliseconds(100), absl::Minutes(1), &line->interval);
       },
       "1s"}};
  for (OptionSpec& option : SecretOptions("service token")) {
    watch_options.push_back(std::move(option));
  }
  return {
      {Command::kPoolStatus,
       "pool status",
       "Show connections, latencies, workers and events",
       kServiceToken,
       {},
       SecretOptions("service token")},
      {Command::kPoolWatch,
       "pool watch",
       "Show the same, live, until Ctrl-C",
       absl::StrCat("On a terminal the picture is drawn in place; elsewhere an update is a line, "
                    "with --json an object. A server that goes away is waited for.\n\n",
                    kServiceToken),
       {},
       watch_options},
      {Command::kPoolRecreate,
       "pool recreate",
       "Replace every connection of the pool; running calls do not notice",
       absl::StrCat("For a pool that may hold on to the wrong server, e.g. after a change of DNS. "
                    "Prints the generation of the new connections.\n\n",
                    kServiceToken),
       {},
       SecretOptions("service token")},
  };
}

std::vector<CommandSpec> DocumentCommands() {
  return {{Command::kCompletion,
           "completion",
           "Print a script that completes commands and options",
           "For this shell: source <(authctl completion bash). An installed authctl brings the "
           "scripts along.",
           {{"SHELL",
             "bash, zsh or fish",
             &SetText<&CommandLine::shell>,
             /*required=*/true,
             {"bash", "zsh", "fish"},
             /*only_known=*/true}}},
          {Command::kMan,
           "man",
           "Print the manual page, for man -l -",
           "",
           {},
           {},
           /*hidden=*/true}};
}

OptionGroup ConnectionOptions() {
  return {"Options",
          {{"--server", "HOST:PORT", "Address of the server, or any gRPC target",
            [](const std::string& value, CommandLine* line) {
              line->channel.target = value;
              return absl::OkStatus();
            },
            client::ChannelOptions().target, "AUTHCTL_SERVER"},
           {"--timeout", "TIME", "How long to wait for the answer, with all repeats",
            [](const std::string& value, CommandLine* line) {
              return ReadTime(value, absl::Milliseconds(1), absl::Hours(24), &line->timeout);
            },
            "10s"},
           {"--allow-plaintext", "", "Talk without TLS to a server beyond this machine",
            [](const std::string&, CommandLine* line) {
              line->channel.allow_plaintext = true;
              return absl::OkStatus();
            }},
           {"--traceparent", "ID", "W3C trace context of the caller; otherwise a trace of its own",
            &SetText<&CommandLine::traceparent>, "", "TRACEPARENT"},
           {"--json", "", "Print one JSON object", [](const std::string&, CommandLine* line) {
              line->json = true;
              return absl::OkStatus();
            }}}};
}

// Every one alone turns TLS on.
OptionGroup TlsGroup() {
  return {
      "TLS",
      {{"--tls", "", "Use TLS and trust the well-known authorities; implied by the options below",
        [](const std::string&, CommandLine* line) {
          Tls(line);
          return absl::OkStatus();
        }},
       {"--tls-ca", "FILE", "Trust these authorities only", &SetTls<&client::TlsOptions::ca_file>,
        "", "AUTHCTL_TLS_CA"},
       {"--tls-cert", "FILE", "Own certificate, for mutual TLS",
        &SetTls<&client::TlsOptions::cert_file>, "", "AUTHCTL_TLS_CERT"},
       {"--tls-key", "FILE", "Key of the own certificate", &SetTls<&client::TlsOptions::key_file>,
        "", "AUTHCTL_TLS_KEY"},
       {"--tls-server-name", "NAME", "Name in the server's certificate, if it is not the host's",
        &SetTls<&client::TlsOptions::server_name>, "", "AUTHCTL_TLS_SERVER_NAME"}}};
}

}  // namespace

const std::vector<CommandSpec>& Commands() {
  static const auto* const commands = [] {
    auto* all = new std::vector<CommandSpec>(UserCommands());
    all->push_back(Health());
    for (CommandSpec& command : PoolCommands()) all->push_back(std::move(command));
    for (CommandSpec& command : DocumentCommands()) all->push_back(std::move(command));
    return all;
  }();
  return *commands;
}

const std::vector<CommandGroup>& CommandGroups() {
  static const auto* const groups =
      new std::vector<CommandGroup>{{"pool", "Show, watch or recreate the database pool"}};
  return *groups;
}

const std::vector<OptionGroup>& GlobalOptions() {
  static const auto* const groups = new std::vector<OptionGroup>{ConnectionOptions(), TlsGroup()};
  return *groups;
}

const std::vector<EnvironmentSpec>& Environment() {
  static const auto* const variables = new std::vector<EnvironmentSpec>{
      {"AUTHCTL_TOKEN", "Session token of validate and sign-out"},
      {"AUTHCTL_SERVICE_TOKEN", "Service token of the pool commands"},
      {"NO_COLOR", "Not empty: no colours, as with TERM=dumb"}};
  return *variables;
}

const std::vector<std::pair<ExitCode, std::string>>& ExitCodes() {
  static const auto* const codes = new std::vector<std::pair<ExitCode, std::string>>{
      {kOk, "OK"},
      {kRefused, "refused: the server answered, and the reason is printed"},
      {kUsage, "usage: the command line, a file it names, or stdout cannot be used"},
      {kUnavailable, "unavailable: no answer, or not just now; the same may succeed later"}};
  return *codes;
}

const std::vector<std::string>& Examples() {
  static const auto* const examples = new std::vector<std::string>{
      "authctl register ana@example.com",
      "authctl sign-in ana@example.com --password-file secret --json | jq -r .session.sessionToken",
      "AUTHCTL_TOKEN=… authctl validate", "authctl --server auth.example.com:443 --tls health",
      "authctl pool watch --token-file admin-token"};
  return *examples;
}

std::vector<std::pair<std::string, std::string>> SubcommandsOf(const std::string& path) {
  const std::string prefix = path.empty() ? "" : path + " ";
  std::vector<std::pair<std::string, std::string>> found;
  for (const CommandSpec& command : Commands()) {
    if (command.hidden || !absl::StartsWith(command.name, prefix)) continue;
    const std::string rest = command.name.substr(prefix.size());
    const std::string word = rest.substr(0, rest.find(' '));
    if (!found.empty() && found.back().first == word) continue;
    const auto group =
        std::find_if(CommandGroups().begin(), CommandGroups().end(),
                     [&](const CommandGroup& known) { return known.name == prefix + word; });
    found.emplace_back(word, group == CommandGroups().end() ? command.help : group->help);
  }
  return found;
}

}  // namespace auth::authctl
