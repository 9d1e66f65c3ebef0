#include "server/application.h"

#include <prometheus/registry.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/account/account_services.h"
#include "server/account/argon2_hasher.h"
#include "server/account/attempt_limiter.h"
#include "server/account/password_policy.h"
#include "server/config/config_text.h"
#include "server/config/options.h"
#include "server/database.h"
#include "server/ops/access_log.h"
#include "server/ops/call_metrics.h"
#include "server/ops/exit_watchdog.h"
#include "server/ops/listener_probe.h"
#include "server/ops/observers.h"
#include "server/ops/ops_http_server.h"
#include "server/ops/ops_routes.h"
#include "server/ops/otlp/span_export.h"
#include "server/ops/snapshot.h"
#include "server/rpc/contract_names.h"
#include "server/rpc/grpc_server.h"
#include "server/rpc/json_gateway.h"
#include "server/work/admission_controller.h"
#include "server/work/worker_pool.h"

namespace auth::server {
namespace {

// Hashing yields to everything else on the machine: health checks, session checks, the database.
constexpr int kHashNice = 10;
// What the pool may take to close its connections once every call is answered.
constexpr std::chrono::seconds kPoolDrain(2);
// What a stop may take beyond all that: closing listeners, stopping a private PostgreSQL.
constexpr std::chrono::seconds kExitGrace(10);

void AwaitStopSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  int signal = 0;
  sigwait(&signals, &signal);
}

}  // namespace

// The parts in the order in which they depend on each other.
struct Application::Parts {
  Parts(const Config& configuration, const Clock* the_clock, ops::Logger* the_logger)
      : config(configuration), clock(the_clock), logger(the_logger) {}
  ~Parts() {
    if (database != nullptr) database->SetListener(nullptr);
    // What listens ends before what it uses, also after a start that failed half-way.
    ops_http.reset();
    if (grpc != nullptr) grpc->Drain(Duration::zero(), Duration::zero());
    http.reset();
  }

  // Building, in this order.
  absl::Status BuildAccounts();
  void BuildSnapshots();
  absl::Status Listen();
  absl::Status LoadServiceTokens();
  absl::Status ListenForHttp();
  absl::Status ListenForOperators();
  absl::Status WritePortFile() const;
  // "host:port" as bound; "" for a listener that is off.
  std::string grpc_address() const;
  std::string http_address() const;
  std::string ops_address() const;

  std::vector<ops::WorkerStats> Workers() const;
  absl::Status Prepare();
  void Drain();

  const Config config;
  const Clock* const clock;
  ops::Logger* const logger;

  prometheus::Registry registry;
  std::unique_ptr<Database> database;
  std::unique_ptr<account::Argon2Hasher> hasher;
  std::unique_ptr<account::PasswordPolicy> passwords;
  std::unique_ptr<account::AttemptLimiter> limiter;
  account::AccountServices accounts;

  ops::AccessLog access_log{logger};
  std::unique_ptr<ops::CallMetrics> call_metrics;
  std::unique_ptr<ops::CallObserver> span_export;  // nullptr: off
  std::unique_ptr<ops::CallObservers> call_observers;
  std::unique_ptr<ops::SnapshotSource> snapshots;
  std::unique_ptr<rpc::ServiceTokens> service_tokens;
  std::unique_ptr<rpc::AccessPolicy> access;
  std::unique_ptr<work::AdmissionController> admission;
  std::unique_ptr<rpc::GrpcServer> grpc;
  std::unique_ptr<rpc::JsonGateway> http;
  // After the server: tasks that outlive their calls' answers still refer to it.
  std::unique_ptr<work::WorkerPool> hash_workers;
  std::unique_ptr<work::WorkerPool> store_workers;
  std::unique_ptr<ops::OpsHttpServer> ops_http;

  std::atomic<bool> ready = false;
  std::atomic<bool> stopping = false;
};

absl::Status Application::Parts::BuildAccounts() {
  auto argon2 =
      account::Argon2Hasher::Create({.parameters = {.memory_kib = config.argon2_memory_kib,
                                                    .iterations = config.argon2_iterations,
                                                    .parallelism = config.argon2_parallelism},
                                     .arenas = config.hash_workers,
                                     .allow_weak = config.allow_weak_hashing});
  if (!argon2.ok()) return argon2.status();
  hasher = *std::move(argon2);
  const account::PasswordPolicy::Options policy{
      .min_length = static_cast<size_t>(config.password_min_length),
      .min_guesses = config.password_min_guesses};
  if (absl::Status status = policy.Validate(); !status.ok()) return status;
  passwords = std::make_unique<account::PasswordPolicy>(policy);
  limiter = std::make_unique<account::AttemptLimiter>(
      account::AttemptLimiter::Options{.enabled = config.rate_limit}, clock);
  accounts = {.store = database->users(),
              .hasher = hasher.get(),
              .policy = passwords.get(),
              .limiter = limiter.get(),
              .clock = clock,
              .session_ttl = config.session_ttl};
  return absl::OkStatus();
}

std::vector<ops::WorkerStats> Application::Parts::Workers() const {
  const auto stats = [](const char* name, int threads, const work::WorkerPool& workers) {
    return ops::WorkerStats{name, threads, workers.running(), workers.queued()};
  };
  return {stats("hash", config.hash_workers, *hash_workers),
          stats("store", config.pool.max_connections, *store_workers)};
}

void Application::Parts::BuildSnapshots() {
  snapshots = std::make_unique<ops::SnapshotSource>(
      &registry,
      ops::SnapshotSource::Sources{.ready = [this] { return ready && !stopping; },
                                   .pool = [this] { return database->PoolStats(); },
                                   .look_at_pool = [this] { database->LookAtIdle(); },
                                   .workers = [this] { return Workers(); },
                                   .events = [this] { return database->PoolEvents(); },
                                   .log_lines_dropped = [this] { return logger->dropped(); },
                                   .version = Version()},
      clock);
}

absl::Status Application::Parts::LoadServiceTokens() {
  if (!config.service_tokens_file.empty()) {
    auto tokens = rpc::ServiceTokens::Load(
        config.service_tokens_file,
        [this](const absl::Status& status) {
          if (status.ok()) return logger->Info("service_tokens_reloaded");
          logger->Error("service_tokens_refused", {{"message", std::string(status.message())}});
        },
        clock);
    if (!tokens.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--service-tokens-file: ", tokens.status().message()));
    }
    service_tokens = *std::move(tokens);
  }
  access = std::make_unique<rpc::AccessPolicy>(service_tokens.get());
  return absl::OkStatus();
}

absl::Status Application::Parts::Listen() {
  call_metrics = std::make_unique<ops::CallMetrics>(&registry, rpc::RpcNames(), rpc::ReasonNames());
  std::vector<ops::CallObserver*> observers = {&access_log, call_metrics.get()};
  if (!config.otlp_endpoint.empty()) {
    auto exported = ops::ExportSpans(config.otlp_endpoint, Version(), clock, logger);
    if (!exported.ok()) return exported.status();
    span_export = *std::move(exported);
    observers.push_back(span_export.get());
  }
  call_observers = std::make_unique<ops::CallObservers>(std::move(observers));
  admission = std::make_unique<work::AdmissionController>(
      work::AdmissionController::Options{
          .hash_workers = config.hash_workers,
          .hash_queue = config.hash_queue,
          .store_calls = config.pool.max_connections + config.pool.max_waiters},
      clock);
  hash_workers = std::make_unique<work::WorkerPool>(
      work::WorkerPool::Options{.name = "hash", .threads = config.hash_workers, .nice = kHashNice},
      clock);
  // One worker for each connection: more would only wait for one.
  store_workers = std::make_unique<work::WorkerPool>(
      work::WorkerPool::Options{.name = "store", .threads = config.pool.max_connections}, clock);

  rpc::GrpcServer::Options options;
  options.listen = config.listen.ToString();
  options.allow_plaintext = config.allow_plaintext;
  options.tls = {.cert = config.tls_cert, .key = config.tls_key, .client_ca = config.tls_client_ca};
  options.reflection = config.reflection;
  options.max_deadline = config.max_deadline;
  auto server =
      rpc::GrpcServer::Start(options, &accounts,
                             {.snapshot = [this] { return snapshots->Take(); },
                              .recreate_pool = [this] { return database->RecreatePool(); }},
                             {.clock = clock,
                              .admission = admission.get(),
                              .hash_workers = hash_workers.get(),
                              .store_workers = store_workers.get(),
                              .observer = call_observers.get(),
                              .access = access.get()});
  if (!server.ok()) return server.status();
  grpc = *std::move(server);
  database->SetListener([this](bool answers) { grpc->SetDatabase(answers); });
  return absl::OkStatus();
}

std::string Application::Parts::grpc_address() const {
  return ListenAddress{config.listen.host, static_cast<std::uint16_t>(grpc->port())}.ToString();
}

std::string Application::Parts::http_address() const {
  if (http == nullptr) return "";
  return ListenAddress{config.http_listen->host, http->port()}.ToString();
}

std::string Application::Parts::ops_address() const {
  if (ops_http == nullptr) return "";
  return ListenAddress{config.ops_listen->host, ops_http->port()}.ToString();
}

absl::Status Application::Parts::ListenForHttp() {
  if (!config.http_listen.has_value()) return absl::OkStatus();
  auto gateway = rpc::JsonGateway::Start({.host = config.http_listen->host,
                                          .port = config.http_listen->port,
                                          .cors_origins = config.cors_origins},
                                         &grpc->methods(), grpc->calls(), clock);
  if (!gateway.ok()) return gateway.status();
  http = *std::move(gateway);
  return absl::OkStatus();
}

absl::Status Application::Parts::ListenForOperators() {
  if (!config.ops_listen.has_value()) return absl::OkStatus();
  const ops::ListenerProbe probe({.host = config.listen.DialHost(),
                                  .port = static_cast<std::uint16_t>(grpc->port()),
                                  .tls = config.tls()},
                                 clock);
  auto server = ops::OpsHttpServer::Start(
      {.host = config.ops_listen->host, .port = config.ops_listen->port},
      ops::OpsRoutes({.live = [probe] { return probe.Check(); },
                      .ready =
                          [this] {
                            if (stopping) return absl::UnavailableError("shutting down");
                            if (ready) return absl::OkStatus();
                            return absl::UnavailableError("waiting for the database");
                          },
                      .snapshot = [this] { return snapshots->Take(); },
                      .configuration = ConfigText(config, AllOptions())}),
      clock);
  if (!server.ok()) return server.status();
  ops_http = *std::move(server);
  return absl::OkStatus();
}

absl::Status Application::Parts::WritePortFile() const {
  if (config.port_file.empty()) return absl::OkStatus();
  // Renamed into place, so that a reader sees all lines or none.
  const std::string unfinished = absl::StrCat(config.port_file, ".", ::getpid());
  std::ofstream file(unfinished);
  file << "grpc=" << grpc_address() << "\n";
  if (http != nullptr) file << "http=" << http_address() << "\n";
  if (ops_http != nullptr) file << "ops=" << ops_address() << "\n";
  file.close();
  if (file.fail() || std::rename(unfinished.c_str(), config.port_file.c_str()) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("--port-file: cannot write ", config.port_file,
                                                   ": name a file in a writable directory"));
  }
  return absl::OkStatus();
}

// Waits for the database for as long as it takes, and opens the doors.
absl::Status Application::Parts::Prepare() {
  if (absl::Status status = database->Prepare(); !status.ok()) return status;
  if (absl::StatusOr<std::string> hash = hasher->Hash("self-test"); !hash.ok()) {
    return hash.status();
  }
  if (stopping) return absl::CancelledError("the server is stopping");
  ready = true;
  grpc->SetReady();
  logger->Info("ready",
               {{"grpc", grpc_address()}, {"http", http_address()}, {"ops", ops_address()}});
  return absl::OkStatus();
}

// From the doors inwards: no new calls, then those that were admitted, then the connections.
void Application::Parts::Drain() {
  logger->Info("draining");
  stopping = true;
  ops::ArmExitWatchdog(config.drain_delay + config.drain_timeout + kPoolDrain + kExitGrace);
  if (!grpc->Drain(config.drain_delay, config.drain_timeout)) {
    logger->Warning("drain_timeout", {{"message", "some calls did not finish and were given up"}});
  }
  const absl::Status drained = database->Drain(kPoolDrain);
  if (!drained.ok()) {
    logger->Warning("pool_drain", {{"message", std::string(drained.message())}});
  }
}

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
    absl::Status prepared = parts_->Prepare();
    if (prepared.ok() || parts_->stopping) return;
    failure = std::move(prepared);
    ::kill(::getpid(), SIGTERM);  // ends the process the way an operator would
  });
  AwaitStopSignal();
  std::thread hurry([this] {
    AwaitStopSignal();
    parts_->grpc->SkipDrainDelay();
  });
  parts_->Drain();
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
