#include "client/authctl/command_line.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace auth::authctl {
namespace {

constexpr char kFooter[] = R"(
Exit codes: 0 OK, 1 refused (the reason is printed), 2 usage, 3 unavailable.
With --json, stdout holds one JSON object, also for a refusal: {"error": …}.

Examples:
  authctl register ana@example.com
  authctl sign-in ana@example.com --password-file secret --json | jq -r .session.sessionToken
  AUTHCTL_TOKEN=… authctl validate
  authctl --server auth.example.com:443 --tls health)";

constexpr char kTokenFooter[] =
    "Without an option the token is AUTHCTL_TOKEN of the environment, or asked at the terminal.";

// Reads `10s`, `500ms`, `1m30s`.
std::chrono::nanoseconds ParseTimeout(const std::string& text) {
  absl::Duration timeout;
  if (!absl::ParseDuration(text, &timeout) || timeout <= absl::ZeroDuration() ||
      timeout > absl::Hours(24)) {
    throw CLI::ValidationError("--timeout", "needs a time such as 500ms or 10s, at most 24h");
  }
  return absl::ToChronoNanoseconds(timeout);
}

void AddConnectionOptions(CLI::App* app, CommandLine* line) {
  client::ChannelOptions* channel = &line->channel;
  app->add_option("--server", channel->target, "Address of the server, or any gRPC target")
      ->envname("AUTHCTL_SERVER")
      ->type_name("HOST:PORT")
      ->take_last()
      ->capture_default_str();
  app->add_option_function<std::string>(
         "--timeout", [line](const std::string& text) { line->timeout = ParseTimeout(text); },
         "How long to wait for the answer, with all repeats")
      ->type_name("TIME")
      ->take_last()
      ->default_str("10s");
  app->add_flag("--allow-plaintext", channel->allow_plaintext,
                "Talk without TLS to a server beyond this machine");
  app->add_flag("--json", line->json, "Print one JSON object");
}

// Every option alone turns TLS on.
void AddTlsOptions(CLI::App* app, client::ChannelOptions* channel) {
  const auto tls_file = [app, channel](const char* name, std::string client::TlsOptions::*member,
                                       const char* help, const char* type) {
    app->add_option_function<std::string>(
           name,
           [channel, member](const std::string& value) {
             if (!channel->tls.has_value()) channel->tls.emplace();
             (*channel->tls).*member = value;
           },
           help)
        ->type_name(type)
        ->take_last()
        ->group("TLS");
  };
  app->add_flag_callback(
         "--tls",
         [channel] {
           if (!channel->tls.has_value()) channel->tls.emplace();
         },
         "Use TLS and trust the well-known authorities; implied by the options below")
      ->group("TLS");
  tls_file("--tls-ca", &client::TlsOptions::ca_file, "Trust these authorities only", "FILE");
  tls_file("--tls-cert", &client::TlsOptions::cert_file, "Own certificate, for mutual TLS", "FILE");
  tls_file("--tls-key", &client::TlsOptions::key_file, "Key of the own certificate", "FILE");
  tls_file("--tls-server-name", &client::TlsOptions::server_name,
           "Name in the server's certificate, if it is not the host's", "NAME");
}

void AddSecretOptions(CLI::App* app, const std::string& what, SecretSource* secret) {
  CLI::Option* file = app->add_option("--" + what + "-file", secret->file,
                                      "Read the " + what + " from a file (one line end is dropped)")
                          ->type_name("FILE");
  app->add_flag("--" + what + "-stdin", secret->from_stdin, "Read the " + what + " from stdin")
      ->excludes(file);
}

void AddCommands(CLI::App* app, CommandLine* line) {
  using Command = CommandLine::Command;
  const auto add = [app, line](const char* name, const char* help, Command command) {
    CLI::App* added = app->add_subcommand(name, help);
    added->parse_complete_callback([line, command] { line->command = command; });
    added->fallthrough();
    added->footer("`authctl --help` tells of the options of all commands and of the exit codes.");
    return added;
  };
  CLI::App* register_user = add("register", "Register a user and sign him in", Command::kRegister);
  register_user->add_option("EMAIL", line->email, "Address of the user")->required();
  register_user
      ->add_option("--request-id", line->request_id,
                   "Repeat the registration of this id: never makes a second user")
      ->type_name("UUID");
  AddSecretOptions(register_user, "password", &line->secret);

  CLI::App* sign_in = add("sign-in", "Sign a user in: a new session", Command::kSignIn);
  sign_in->add_option("EMAIL", line->email, "Address of the user")->required();
  AddSecretOptions(sign_in, "password", &line->secret);

  CLI::App* validate = add("validate", "Tell whose session a token is", Command::kValidate);
  AddSecretOptions(validate, "token", &line->secret);
  validate->footer(kTokenFooter);

  CLI::App* sign_out = add("sign-out", "End the session of a token", Command::kSignOut);
  AddSecretOptions(sign_out, "token", &line->secret);
  sign_out->footer(kTokenFooter);

  CLI::App* health = add("health", "Ask for the server's health: 0 = SERVING", Command::kHealth);
  health
      ->add_option("SERVICE", line->service,
                   "auth.v1.AuthService (ready to work), database, or '' (the process lives)")
      ->capture_default_str();
}

}  // namespace

std::variant<CommandLine, ExitCode> ParseCommandLine(int argc, char** argv) {
  CommandLine line;
  CLI::App app("Talks to an AuthService: registers users, signs them in, asks for health.",
               "authctl");
  app.set_version_flag("--version", "authctl " AUTHCTL_VERSION);
  app.require_subcommand(1);
  app.footer(kFooter);
  AddConnectionOptions(&app, &line);
  AddTlsOptions(&app, &line.channel);
  AddCommands(&app, &line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ExtrasError&) {
    // Which ones is not repeated: they may be a password that was typed in the wrong place.
    std::cerr << "authctl: there are arguments that this command does not take; a password or a "
                 "token never is one\nTry: authctl --help\n";
    return kUsage;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      app.exit(error, std::cout, std::cerr);
      return kOk;
    }
    std::cerr << "authctl: " << error.what() << "\nTry: authctl --help\n";
    return kUsage;
  }
  return line;
}

}  // namespace auth::authctl
