#include "server/database.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "pool/conninfo.h"
#include "pool/pqxx_connection_factory.h"
#include "pool/retry_after.h"
#include "server/store/connection_limits.h"
#include "server/store/migration.h"
#include "server/store/migrator.h"

namespace auth::server {
namespace {

// For finding out what is missing, once the database answers.
constexpr std::chrono::seconds kLookLimit(10);
// A migration may take long (an index on a large table, another server at the same work); a
// deadline that cut it would roll it back, and begin it again for ever.
constexpr std::chrono::hours kMigrationLimit(1);
// Between two tries while the database refuses at once.
constexpr std::chrono::milliseconds kLeastPause(500);
// For what is only worth a line in the log.
constexpr std::chrono::seconds kConnectionLimitsTry(1);

}  // namespace

void Database::Reachability::OnReachabilityChanged() {
  MutexLock lock(&mutex);
  const bool answers = pool->Stats().database_reachable;
  events->OnDatabase(answers);
  if (listener) listener(answers);
}

void Database::SetListener(Listener listener) {
  MutexLock lock(&reachability_.mutex);
  reachability_.listener = std::move(listener);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const Config& config, const Clock* clock,
                                                         ops::Logger* logger,
                                                         prometheus::Registry* registry) {
  std::unique_ptr<Database> database(new Database(config, clock, logger, registry));
  if (absl::Status status = database->Build(); !status.ok()) return status;
  return database;
}

Database::Database(const Config& config, const Clock* clock, ops::Logger* logger,
                   prometheus::Registry* registry)
    : config_(config),
      clock_(clock),
      logger_(logger),
      log_(logger),
      metrics_(registry),
      events_(clock),
      observers_({&log_, &metrics_, &events_, &reachability_}) {}

Database::~Database() = default;

absl::Status Database::Build() {
  pool::PqxxConnectionFactory::Options options;
  options.pool_mode = config_.pool_mode;
  options.url_source = [this] { return config_.CurrentDatabaseUrl(); };
  if (!config_.embedded_postgres.empty()) {
    auto started = dev::EmbeddedPostgres::Start({config_.embedded_postgres, {}});
    if (!started.ok()) return started.status();
    postgres_ = *std::move(started);
    options.url_source = [url = postgres_->url()] { return url; };
  }
  auto factory = pool::PqxxConnectionFactory::Create(std::move(options), clock_);
  if (!factory.ok()) return factory.status();
  pool_ = std::make_unique<pool::ConnectionPool>(config_.pool, *std::move(factory), clock_,
                                                 &observers_);
  reachability_.pool = pool_.get();
  reachability_.events = &events_;
  transactions_ = std::make_unique<pool::TransactionRunner>(pool_.get(), clock_, &observers_);
  users_ = std::make_unique<store::PgUserStore>(
      transactions_.get(), clock_, [this](const char* operation, const absl::Status& cause) {
        logger_->Warning("store_failure",
                         {{"operation", operation},
                          {"message", ops::CleanDriverMessage(std::string(cause.message()))}});
      });
  return absl::OkStatus();
}

std::int64_t Database::RecreatePool() {
  pool_->InvalidateAll();
  return pool_->Stats().generation;
}

absl::Status Database::Migrate() {
  const store::Migrator migrator(transactions_.get(), store::EmbeddedMigrations());
  const MonotonicTime look_by = clock_->Monotonic() + config_.pool.outage_patience + kLookLimit;
  if (config_.migrate == MigrateMode::kOff) return migrator.Check(look_by);
  const absl::StatusOr<int> applied =
      migrator.Apply(look_by, clock_->Monotonic() + kMigrationLimit);
  if (!applied.ok()) return applied.status();
  if (*applied > 0) logger_->Info("database_migrated", {{"applied", *applied}});
  return absl::OkStatus();
}

absl::Status Database::Prepare() {
  for (;;) {
    const absl::Status status = Migrate();
    if (status.ok()) break;
    const bool may_pass = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
                          pool::OutcomeUnknown(status);
    if (!may_pass) return status;
    const Duration pause = std::max<Duration>(pool::RetryAfter(status), kLeastPause);
    logger_->Warning("database_not_ready",
                     {{"message", ops::CleanDriverMessage(std::string(status.message()))}});
    if (!Pause(pause)) return absl::CancelledError("the server is stopping");
  }
  LogConnectionLimits();
  return absl::OkStatus();
}

bool Database::Pause(Duration duration) {
  const MonotonicTime end = clock_->Monotonic() + duration;
  MutexLock lock(&mutex_);
  while (!draining_ && clock_->Monotonic() < end) {
    clock_->WaitUntil(end, &draining_changed_, &mutex_);
  }
  return !draining_;
}

// Tells the operator what the database grants, and which settings do not fit; not worth a failure.
void Database::LogConnectionLimits() const {
  const auto limits =
      store::ReadConnectionLimits(*transactions_, clock_->Monotonic() + kConnectionLimitsTry);
  if (!limits.ok()) return;
  if (limits->connections.has_value()) {
    logger_->Info("connection_limits",
                  {{"granted", *limits->connections},
                   {"max_connections", config_.pool.max_connections},
                   {"replicas", *limits->connections / config_.pool.max_connections}});
  }
  std::string host;
  if (const auto url = config_.CurrentDatabaseUrl(); postgres_ == nullptr && url.ok()) {
    if (const auto conninfo = pool::Conninfo::Parse(*url); conninfo.ok()) {
      host = conninfo->Get("host");
    }
  }
  for (const std::string& warning : store::ConnectionWarnings(*limits, config_.pool, host)) {
    logger_->Warning("connection_limits", {{"message", warning}});
  }
}

absl::Status Database::Drain(Duration limit) {
  {
    MutexLock lock(&mutex_);
    draining_ = true;
    draining_changed_.NotifyAll();
  }
  return pool_->Drain(clock_->Monotonic() + limit);
}

}  // namespace auth::server
