#pragma once

#include "client/authctl/command_line.h"
#include "client/authctl/exit_code.h"
#include "client/authctl/report.h"

namespace auth::authctl {

// Does what the command line says, and tells it to `report`. A secret is asked for first, before
// gRPC starts threads: see AskWithoutEcho.
ExitCode RunCommand(const CommandLine& line, Report* report);

}  // namespace auth::authctl
