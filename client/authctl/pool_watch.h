#pragma once

#include <string>

#include "client/authctl/command_line.h"
#include "client/authctl/exit_code.h"
#include "client/authctl/report.h"

namespace auth::authctl {

// Shows the server's PoolStatus until a signal ends it (kOk): on stdout, in place if that is a
// terminal. A server that has answered once is waited for when it goes away; one that never did, or
// that refuses, is a failure. To be called while the process has one thread: see Signals.
ExitCode WatchPool(const CommandLine& line, const std::string& token, Report* report);

}  // namespace auth::authctl
