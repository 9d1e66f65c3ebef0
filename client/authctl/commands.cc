#include "client/authctl/commands.h"

#include <memory>
#include <string>

#include "client/auth_client.h"
#include "client/authctl/admin_client.h"
#include "client/authctl/completion.h"
#include "client/authctl/health_check.h"
#include "client/authctl/manual_page.h"
#include "client/authctl/pool_watch.h"
#include "client/authctl/secret.h"
#include "client/request_id.h"

namespace auth::authctl {
namespace {

using client::AuthClient;
using client::UserSession;
using Command = CommandLine::Command;

client::CallOptions OptionsOf(const CommandLine& line) {
  return {.timeout = line.timeout, .traceparent = line.traceparent};
}

ExitCode Register(const CommandLine& line, const std::string& password, AuthClient* client,
                  Report* report) {
  const std::string request_id = line.request_id.empty() ? client::NewRequestId() : line.request_id;
  const absl::StatusOr<UserSession> registered = client->Register(
      line.email, password, {.traceparent = line.traceparent, .request_id = request_id});
  if (!registered.ok()) return report->Failure(registered.status(), request_id);
  return report->Answer("Registered", *registered);
}

ExitCode SignIn(const CommandLine& line, const std::string& password, AuthClient* client,
                Report* report) {
  const absl::StatusOr<UserSession> signed_in =
      client->SignIn(line.email, password, OptionsOf(line));
  if (!signed_in.ok()) return report->Failure(signed_in.status());
  return report->Answer("Signed in", *signed_in);
}

ExitCode Validate(const CommandLine& line, const std::string& token, AuthClient* client,
                  Report* report) {
  const absl::StatusOr<UserSession> valid = client->ValidateSession(token, OptionsOf(line));
  if (!valid.ok()) return report->Failure(valid.status());
  return report->Answer("Valid session of", *valid);
}

ExitCode SignOut(const CommandLine& line, const std::string& token, AuthClient* client,
                 Report* report) {
  const absl::Status signed_out = client->SignOut(token, OptionsOf(line));
  return signed_out.ok() ? report->SignedOut() : report->Failure(signed_out);
}

ExitCode Health(const CommandLine& line, Report* report) {
  const absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
      client::MakeChannel(line.channel, /*service_config=*/"");
  if (!channel.ok()) return report->UsageError(channel.status());
  const absl::StatusOr<std::string> status = CheckHealth(*channel, line.service, OptionsOf(line));
  if (status.ok()) return report->Health(*status);
  if (absl::IsNotFound(status.status())) return report->Health("SERVICE_UNKNOWN");
  return report->Failure(status.status());
}

ExitCode Admin(const CommandLine& line, const std::string& token, Report* report) {
  const absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
      client::MakeChannel(line.channel, /*service_config=*/"");
  if (!channel.ok()) return report->UsageError(channel.status());
  const AdminClient client(*channel, token);
  if (line.command == Command::kPoolRecreate) {
    const absl::StatusOr<v1::RecreatePoolResponse> recreated = client.RecreatePool(OptionsOf(line));
    return recreated.ok() ? report->Recreated(*recreated) : report->Failure(recreated.status());
  }
  const absl::StatusOr<v1::PoolStatus> status = client.GetPoolStatus(OptionsOf(line));
  return status.ok() ? report->Pool(*status) : report->Failure(status.status());
}

ExitCode CallAuthService(const CommandLine& line, const std::string& secret, Report* report) {
  const absl::StatusOr<std::unique_ptr<AuthClient>> client =
      client::MakeAuthClient({.channel = line.channel, .default_timeout = line.timeout});
  if (!client.ok()) return report->UsageError(client.status());
  switch (line.command) {
    case Command::kRegister:
      return Register(line, secret, client->get(), report);
    case Command::kSignIn:
      return SignIn(line, secret, client->get(), report);
    case Command::kValidate:
      return Validate(line, secret, client->get(), report);
    default:
      return SignOut(line, secret, client->get(), report);
  }
}

absl::StatusOr<std::string> ReadSecret(const CommandLine& line) {
  switch (line.command) {
    case Command::kRegister:
      return ReadPassword(line.secret, Ask::kTwice);
    case Command::kSignIn:
      return ReadPassword(line.secret, Ask::kOnce);
    default:
      return ReadToken(line.secret, line.is_admin() ? kServiceToken : kSessionToken);
  }
}

ExitCode RunWithSecret(const CommandLine& line, Report* report) {
  const absl::StatusOr<std::string> secret = ReadSecret(line);
  if (!secret.ok()) return report->UsageError(secret.status());
  if (line.command == Command::kPoolWatch) return WatchPool(line, *secret, report);
  return line.is_admin() ? Admin(line, *secret, report) : CallAuthService(line, *secret, report);
}

}  // namespace

ExitCode RunCommand(const CommandLine& line, Report* report) {
  switch (line.command) {
    case Command::kCompletion:
      return report->Document(CompletionScript(line.shell));
    case Command::kMan:
      return report->Document(ManualPage());
    case Command::kHealth:
      return Health(line, report);
    default:
      return RunWithSecret(line, report);
  }
}

}  // namespace auth::authctl
