#pragma once

#include <chrono>
#include <string>
#include <variant>

#include "client/authctl/exit_code.h"
#include "client/channel.h"

namespace auth::authctl {

// Where a password or a token comes from; never the command line, which every user of the machine
// can read. With neither set: a token from the environment, then the terminal.
struct SecretSource {
  bool from_stdin = false;
  std::string file;
};

// What the user typed.
struct CommandLine {
  enum class Command {
    kRegister,
    kSignIn,
    kValidate,
    kSignOut,
    kHealth,
    kPoolStatus,
    kPoolWatch,
    kPoolRecreate,
    kCompletion,
    kMan,
  };

  Command command = Command::kHealth;
  client::ChannelOptions channel;
  std::chrono::nanoseconds timeout = std::chrono::seconds(10);
  std::string traceparent;  // empty = a fresh one for each call
  bool json = false;

  SecretSource secret;                          // the password or the token, by command
  std::string email;                            // register, sign-in
  std::string request_id;                       // register; empty = a fresh one
  std::string service = "auth.v1.AuthService";  // health
  std::chrono::nanoseconds interval = std::chrono::seconds(1);  // pool watch
  std::string shell;                                            // completion

  // Whether the command is one of AdminService, whose token is a service's and not a session's.
  bool is_admin() const {
    return command == Command::kPoolStatus || command == Command::kPoolWatch ||
           command == Command::kPoolRecreate;
  }
};

// The command line, or the exit code if there is nothing to run: --help and --version have printed
// their text to stdout, a usage error its sentence to stderr, or with --json its object to stdout.
std::variant<CommandLine, ExitCode> ParseCommandLine(int argc, char** argv);

}  // namespace auth::authctl
