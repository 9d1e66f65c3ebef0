#include "server/application.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <utility>

#include "server/ops/exit_watchdog.h"
#include "server/parts.h"

namespace auth::server {
namespace {

// What the pool may take to close its connections once every call is answered.
constexpr std::chrono::seconds kPoolDrain(2);
// What a stop may take beyond all that, to close listeners; a private PostgreSQL has its own time.
constexpr std::chrono::seconds kExitGrace(10);

void AwaitStopSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  int signal = 0;
  sigwait(&signals, &signal);
}

// Waits for the database for as long as it takes, and opens the doors.
absl::Status Prepare(Parts* parts) {
  if (absl::Status status = parts->database->Prepare(); !status.ok()) return status;
  if (absl::StatusOr<std::string> hash = parts->hasher->Hash("self-test"); !hash.ok()) {
    return hash.status();
  }
  if (parts->stopping) return absl::CancelledError("the server is stopping");
  parts->ready = true;
  parts->grpc->SetReady();
  parts->logger->Info("ready", {{"grpc", parts->grpc_address()},
                                {"http", parts->http_address()},
                                {"ops", parts->ops_address()}});
  return absl::OkStatus();
}

// From the doors inwards: no new calls, then those that were admitted, then the connections.
void Drain(Parts* parts) {
  parts->logger->Info("draining");
  parts->stopping = true;
  const Duration postgres_stop = parts->config.embedded_postgres.empty()
                                     ? Duration::zero()
                                     : dev::EmbeddedPostgres::kLongestStop;
  ops::ArmExitWatchdog(parts->config.drain_delay + parts->config.drain_timeout + kPoolDrain +
                       kExitGrace + postgres_stop);
  if (!parts->grpc->Drain(parts->config.drain_delay, parts->config.drain_timeout)) {
    parts->logger->Warning("drain_timeout",
                           {{"message", "some calls did not finish and were given up"}});
  }
  const absl::Status drained = parts->database->Drain(kPoolDrain);
  if (!drained.ok()) {
    parts->logger->Warning("pool_drain", {{"message", std::string(drained.message())}});
  }
}

}  // namespace

Application::Application(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Application::~Application() = default;

absl::StatusOr<std::unique_ptr<Application>> Application::Start(const Config& config,
                                                                const Clock* clock,
                                                                ops::Logger* logger) {
  auto parts = std::make_unique<Parts>(config, clock, logger);
  auto database = Database::Open(parts->config, clock, logger, &parts->registry);
  if (!database.ok()) return database.status();
  parts->database = *std::move(database);
  if (config.migrate != MigrateMode::kOnly) {
    if (absl::Status status = parts->BuildAccounts(); !status.ok()) return status;
    parts->BuildSnapshots();
    if (absl::Status status = parts->LoadServiceTokens(); !status.ok()) return status;
    if (absl::Status status = parts->Listen(); !status.ok()) return status;
    if (absl::Status status = parts->ListenForHttp(); !status.ok()) return status;
    if (absl::Status status = parts->ListenForOperators(); !status.ok()) return status;
    if (absl::Status status = parts->WritePortFile(); !status.ok()) return status;
  }
  parts->database->Start();
  return std::unique_ptr<Application>(new Application(std::move(parts)));
}

absl::Status Application::Migrate() { return parts_->database->Migrate(); }

absl::Status Application::Run() {
  absl::Status failure;
  std::thread preparing([this, &failure] {
    pthread_setname_np(pthread_self(), "prepare");
    absl::Status prepared = Prepare(parts_.get());
    if (prepared.ok() || parts_->stopping) return;
    failure = std::move(prepared);
    ::kill(::getpid(), SIGTERM);  // ends the process the way an operator would
  });
  AwaitStopSignal();
  std::thread hurry([this] {
    AwaitStopSignal();
    parts_->grpc->SkipDrainDelay();
  });
  Drain(parts_.get());
  // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread): the thread waits for it, and it is blocked
  pthread_kill(hurry.native_handle(), SIGTERM);
  hurry.join();
  preparing.join();
  return failure;
}

int ExitCode(const absl::Status& status) {
  if (status.ok()) return 0;
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) ? 2 : 1;
}

}  // namespace auth::server
