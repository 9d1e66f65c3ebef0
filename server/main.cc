#include <signal.h>

#include <cstdio>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "pool/clock.h"
#include "server/application.h"
#include "server/config.h"
#include "server/ops/logger.h"

namespace auth::server {
namespace {

// Signals are for Application::Run alone; threads inherit the mask.
void BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

absl::Status Serve(const Config& config, const Clock& clock, ops::Logger* logger) {
  absl::StatusOr<std::unique_ptr<Application>> application =
      Application::Start(config, &clock, logger);
  if (!application.ok()) return application.status();
  return config.migrate == MigrateMode::kOnly ? (*application)->Migrate() : (*application)->Run();
}

int Main(const std::vector<std::string>& arguments) {
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

  BlockStopSignals();
  const RealClock clock;
  ops::Logger logger({.level = settings.log_level, .format = settings.log_format}, &clock);
  const absl::Status status = Serve(settings, clock, &logger);
  if (!status.ok()) logger.Error("stopped", {{"message", std::string(status.message())}});
  return ExitCode(status);
}

}  // namespace
}  // namespace auth::server

int main(int argc, char** argv) {
  return auth::server::Main(std::vector<std::string>(argv + 1, argv + argc));
}
