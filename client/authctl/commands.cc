#include "client/authctl/commands.h"

#include <memory>
#include <string>

#include "client/auth_client.h"
#include "client/authctl/health_check.h"
#include "client/authctl/secret.h"
#include "client/request_id.h"

namespace auth::authctl {
namespace {

using client::AuthClient;
using client::UserSession;

ExitCode Register(const CommandLine& line, const std::string& password, AuthClient* client,
                  Report* report) {
  const std::string request_id = line.request_id.empty() ? client::NewRequestId() : line.request_id;
  const absl::StatusOr<UserSession> registered =
      client->Register(line.email, password, {.request_id = request_id});
  if (!registered.ok()) return report->Failure(registered.status(), request_id);
  return report->Answer("Registered", *registered);
}

ExitCode SignIn(const CommandLine& line, const std::string& password, AuthClient* client,
                Report* report) {
  const absl::StatusOr<UserSession> signed_in = client->SignIn(line.email, password);
  if (!signed_in.ok()) return report->Failure(signed_in.status());
  return report->Answer("Signed in", *signed_in);
}

ExitCode Validate(const std::string& token, AuthClient* client, Report* report) {
  const absl::StatusOr<UserSession> valid = client->ValidateSession(token);
  if (!valid.ok()) return report->Failure(valid.status());
  return report->Answer("Valid session of", *valid);
}

ExitCode SignOut(const std::string& token, AuthClient* client, Report* report) {
  const absl::Status signed_out = client->SignOut(token);
  return signed_out.ok() ? report->SignedOut() : report->Failure(signed_out);
}

ExitCode Health(const CommandLine& line, Report* report) {
  const absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
      client::MakeChannel(line.channel, /*service_config=*/"");
  if (!channel.ok()) return report->UsageError(channel.status());
  const absl::StatusOr<std::string> status = CheckHealth(*channel, line.service, line.timeout);
  if (status.ok()) return report->Health(*status);
  if (absl::IsNotFound(status.status())) return report->Health("SERVICE_UNKNOWN");
  return report->Failure(status.status());
}

absl::StatusOr<std::string> ReadSecret(const CommandLine& line) {
  switch (line.command) {
    case CommandLine::Command::kRegister:
      return ReadPassword(line.secret, Ask::kTwice);
    case CommandLine::Command::kSignIn:
      return ReadPassword(line.secret, Ask::kOnce);
    default:
      return ReadToken(line.secret);
  }
}

}  // namespace

ExitCode RunCommand(const CommandLine& line, Report* report) {
  if (line.command == CommandLine::Command::kHealth) return Health(line, report);
  const absl::StatusOr<std::string> secret = ReadSecret(line);
  if (!secret.ok()) return report->UsageError(secret.status());
  const absl::StatusOr<std::unique_ptr<AuthClient>> client =
      client::MakeAuthClient({.channel = line.channel, .default_timeout = line.timeout});
  if (!client.ok()) return report->UsageError(client.status());
  switch (line.command) {
    case CommandLine::Command::kRegister:
      return Register(line, *secret, client->get(), report);
    case CommandLine::Command::kSignIn:
      return SignIn(line, *secret, client->get(), report);
    case CommandLine::Command::kValidate:
      return Validate(*secret, client->get(), report);
    case CommandLine::Command::kSignOut:
      return SignOut(*secret, client->get(), report);
    case CommandLine::Command::kHealth:
      break;  // done above
  }
  return kUsage;
}

}  // namespace auth::authctl
