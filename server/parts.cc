#include "server/parts.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/config/config_text.h"
#include "server/config/options.h"
#include "server/ops/listener_probe.h"
#include "server/ops/ops_routes.h"
#include "server/ops/otlp/span_export.h"
#include "server/rpc/contract_names.h"

namespace auth::server {
namespace {

// Hashing yields to everything else on the machine: health checks, session checks, the database.
constexpr int kHashNice = 10;

}  // namespace

Parts::~Parts() {
  if (database != nullptr) database->SetListener(nullptr);
  // What listens ends before what it uses, also after a start that failed half-way.
  ops_http.reset();
  if (grpc != nullptr) grpc->Drain(Duration::zero(), Duration::zero());
  http.reset();
}

absl::Status Parts::BuildAccounts() {
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

std::vector<ops::WorkerStats> Parts::Workers() const {
  const auto stats = [](const char* name, int threads, const work::WorkerPool& workers) {
    return ops::WorkerStats{name, threads, workers.running(), workers.queued()};
  };
  return {stats("hash", config.hash_workers, *hash_workers),
          stats("store", config.pool.max_connections, *store_workers)};
}

void Parts::BuildSnapshots() {
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

absl::Status Parts::LoadServiceTokens() {
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

absl::Status Parts::Listen() {
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
  if (config.tls()) {
    certificate = std::make_unique<ops::CertificateReport>(&registry, logger);
    options.on_tls_change = [this](const auto& not_after) { certificate->OnChange(not_after); };
  }
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

std::string Parts::grpc_address() const {
  return ListenAddress{config.listen.host, static_cast<std::uint16_t>(grpc->port())}.ToString();
}

std::string Parts::http_address() const {
  if (http == nullptr) return "";
  return ListenAddress{config.http_listen->host, http->port()}.ToString();
}

std::string Parts::ops_address() const {
  if (ops_http == nullptr) return "";
  return ListenAddress{config.ops_listen->host, ops_http->port()}.ToString();
}

absl::Status Parts::ListenForHttp() {
  if (!config.http_listen.has_value()) return absl::OkStatus();
  auto gateway = rpc::JsonGateway::Start({.host = config.http_listen->host,
                                          .port = config.http_listen->port,
                                          .cors_origins = config.cors_origins},
                                         &grpc->methods(), grpc->calls(), clock);
  if (!gateway.ok()) return gateway.status();
  http = *std::move(gateway);
  return absl::OkStatus();
}

absl::Status Parts::ListenForOperators() {
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

absl::Status Parts::WritePortFile() const {
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

}  // namespace auth::server
