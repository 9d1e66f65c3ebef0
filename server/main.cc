#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "pool/clock.h"
#include "server/application.h"
#include "server/config.h"
#include "server/ops/logger.h"
#include "server/rpc/grpc_log.h"

namespace auth::server {
namespace {

// Signals are for Application::Run alone; threads inherit the mask.
void BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

// A migration alone ends at once, as any program does, and PostgreSQL rolls back what is under way.
// Not by default: the first process of a container has no default, and would ignore the signal.
void EndAtStopSignals() {
  for (const int number : {SIGINT, SIGTERM}) {
    signal(number, [](int received) { _exit(128 + received); });
  }
}

// A core would hold the passwords that are being hashed. The limit is one byte and not none: only
// at one does the kernel also spare the programs that core_pattern may pipe a core to.
void ForbidCoreDumps() {
  rlimit limit{};
  if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, 1);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_CORE, &limit);
}

absl::Status Serve(const Config& config, const Clock& clock, ops::Logger* logger) {
  absl::StatusOr<std::unique_ptr<Application>> application =
      Application::Start(config, &clock, logger);
  if (!application.ok()) return application.status();
  return config.migrate == MigrateMode::kOnly ? (*application)->Migrate() : (*application)->Run();
}

int Main(const std::vector<std::string>& arguments) {
  ForbidCoreDumps();
  const auto config = LoadConfig(arguments, ProcessEnvironment(), Machine::Detect());
  if (!config.ok()) {
    std::fprintf(stderr, "auth_server: %s\n", std::string(config.status().message()).c_str());
    return ExitCode(config.status());
  }
  if (const auto* print = std::get_if<PrintAndExit>(&*config)) {
    std::fputs(print->text.c_str(), stdout);
    return 0;
  }
  const auto& settings = std::get<Config>(*config);

  signal(SIGPIPE, SIG_IGN);
  settings.migrate == MigrateMode::kOnly ? EndAtStopSignals() : BlockStopSignals();
  const RealClock clock;
  ops::Logger logger({.level = settings.log_level, .format = settings.log_format}, &clock);
  const rpc::GrpcLog grpc_log(&logger);
  const absl::Status status = Serve(settings, clock, &logger);
  if (!status.ok()) logger.Error("stopped", {{"message", std::string(status.message())}});
  return ExitCode(status);
}

}  // namespace
}  // namespace auth::server

int main(int argc, char** argv) {
  return auth::server::Main(std::vector<std::string>(argv + 1, argv + argc));
}
