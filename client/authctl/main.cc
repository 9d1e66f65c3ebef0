// authctl: the service at a terminal and in scripts.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <variant>

#include "client/authctl/command_line.h"
#include "client/authctl/commands.h"
#include "client/authctl/report.h"
#include "client/authctl/style.h"

int main(int argc, char** argv) {
  // gRPC's own log lines about failed connections would bury our one sentence.
  ::setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  const auto parsed = auth::authctl::ParseCommandLine(argc, argv);
  if (const auto* exit_code = std::get_if<auth::authctl::ExitCode>(&parsed)) return *exit_code;
  auth::authctl::Report report(std::get<auth::authctl::CommandLine>(parsed), &std::cout, &std::cerr,
                               auth::authctl::Style(auth::authctl::WantsColours(STDOUT_FILENO)));
  const auth::authctl::ExitCode exit_code =
      RunCommand(std::get<auth::authctl::CommandLine>(parsed), &report);
  if (!std::cout.flush()) {
    std::cerr << "authctl: cannot write the answer to stdout\n";
    return auth::authctl::kUsage;
  }
  return exit_code;
}
