#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "auth/v1/admin_service.pb.h"
#include "client/auth_client.h"
#include "client/authctl/command_line.h"
#include "client/authctl/exit_code.h"
#include "client/authctl/style.h"

namespace auth::authctl {

// Tells how a command ended: answers on `out`, failures on `err`; with --json both are one object
// on `out`. Every function returns the exit code that goes with what it told. Not thread-safe.
class Report {
 public:
  // The command line and the streams must outlive the object. `style` is for `out`.
  Report(const CommandLine& line, std::ostream* out, std::ostream* err, const Style& style)
      : line_(line), out_(*out), err_(*err), style_(style) {}

  // `headline` is a sentence that ends where the address follows: "Registered".
  ExitCode Answer(const std::string& headline, const client::UserSession& user_session);
  ExitCode SignedOut();
  // `status` as grpc.health.v1 names it; everything but SERVING is a refusal.
  ExitCode Health(const std::string& status);
  ExitCode Pool(const v1::PoolStatus& status);
  ExitCode Recreated(const v1::RecreatePoolResponse& response);
  // A text that is no JSON whatever the options.
  ExitCode Document(const std::string& text);

  // A call that failed. `request_id` is that of a registration.
  ExitCode Failure(const absl::Status& failure, const std::string& request_id = "");
  // Something that was wrong before a call could be made.
  ExitCode UsageError(const absl::Status& error);

 private:
  const CommandLine& line_;
  std::ostream& out_;
  std::ostream& err_;
  const Style style_;
};

}  // namespace auth::authctl
