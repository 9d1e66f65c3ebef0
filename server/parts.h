#pragma once

#include <prometheus/registry.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/account/account_services.h"
#include "server/account/argon2_hasher.h"
#include "server/account/attempt_limiter.h"
#include "server/account/password_policy.h"
#include "server/config.h"
#include "server/database.h"
#include "server/ops/access_log.h"
#include "server/ops/call_metrics.h"
#include "server/ops/certificate_report.h"
#include "server/ops/logger.h"
#include "server/ops/observers.h"
#include "server/ops/ops_http_server.h"
#include "server/ops/snapshot.h"
#include "server/rpc/grpc_server.h"
#include "server/rpc/json_gateway.h"
#include "server/work/admission_controller.h"
#include "server/work/worker_pool.h"

namespace auth::server {

// The parts of the service, in the order in which they depend on each other, and how each is built
// and connected. When they begin and end is the Application's.
//
// Data flows one way: rpc → admission → hash and store workers → use case → store → pool. The parts
// are built from the pool upwards and destroyed from the listeners downwards.
struct Parts {
  Parts(const Config& configuration, const Clock* the_clock, ops::Logger* the_logger)
      : config(configuration), clock(the_clock), logger(the_logger) {}
  ~Parts();

  // Building, in this order.
  absl::Status BuildAccounts();
  void BuildSnapshots();
  absl::Status LoadServiceTokens();
  absl::Status Listen();
  absl::Status ListenForHttp();
  absl::Status ListenForOperators();
  absl::Status WritePortFile() const;

  // "host:port" as bound; "" for a listener that is off.
  std::string grpc_address() const;
  std::string http_address() const;
  std::string ops_address() const;

  std::vector<ops::WorkerStats> Workers() const;

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
  std::unique_ptr<ops::CertificateReport> certificate;  // nullptr: plaintext
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

}  // namespace auth::server
