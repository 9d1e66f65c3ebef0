#include "server/config/database_options.h"

#include <limits>
#include <utility>

#include "pool/conninfo.h"
#include "server/config/option_kinds.h"

namespace auth::server {
namespace {

Option DatabaseUrlOption() {
  Option option = WithText({.group = "Database",
                            .name = "database-url",
                            .value_name = "URL",
                            .help = "postgresql://user:password@host:port/database. Also read from "
                                    "NEON_DB_URL, then DATABASE_URL. Other users of this machine "
                                    "can read flags: prefer a variable or --database-url-file.",
                            .secret = true},
                           &Config::database_url);
  option.show = [](const Config& config) { return pool::RedactUrl(config.database_url); };
  return option;
}

Option AcquireTimeoutOption() {
  Option option{.group = "Connection pool",
                .name = "pool-acquire-timeout",
                .value_name = "TIME",
                .help =
                    "The longest wait for a connection while all are in use. It does not limit "
                    "the wait for a database that is away.",
                .default_text = "the call's deadline"};
  option.set = [](const std::string& text, Config* config) {
    absl::StatusOr<Duration> duration = ParseDuration(text);
    if (duration.ok()) config->pool.acquire_timeout = *duration;
    return duration.status();
  };
  option.show = [](const Config& config) {
    return config.pool.acquire_timeout ? FormatDuration(*config.pool.acquire_timeout) : "";
  };
  return option;
}

template <typename T>
auto InPool(T pool::PoolOptions::*member) {
  return [member](auto& config) -> auto& { return config.pool.*member; };
}

// PoolOptions::Validate bounds the values, so that the rules stand in one place.
Option PoolNumber(std::string name, std::string help, int pool::PoolOptions::*member) {
  return WithInteger({.group = "Connection pool", .name = std::move(name), .help = std::move(help)},
                     InPool(member), 0, std::numeric_limits<int>::max());
}

Option PoolTime(std::string name, std::string help, Duration pool::PoolOptions::*member) {
  return WithDuration(
      {.group = "Connection pool", .name = std::move(name), .help = std::move(help)},
      InPool(member), Duration::zero());
}

}  // namespace

std::vector<Option> DatabaseOptions() {
  const std::string group = "Database";
  return {
      DatabaseUrlOption(),
      WithText({.group = group,
                .name = "database-url-file",
                .value_name = "FILE",
                .help = "A file that holds the URL; read again when the database refuses the "
                        "password, so that it can be rotated."},
               &Config::database_url_file),
      WithText({.group = group,
                .name = "embedded-postgres",
                .value_name = "DIR",
                .help = "In the place of a URL: run a private PostgreSQL with its data below DIR. "
                        "For first steps and tests."},
               &Config::embedded_postgres),
      WithWord({.group = group,
                .name = "migrate",
                .help = "Bring the schema up to date: at start, and serve (auto); then exit "
                        "(only); not at all (off). Safe with many servers starting at once."},
               &Config::migrate,
               Words<MigrateMode>{{"auto", MigrateMode::kAuto},
                                  {"only", MigrateMode::kOnly},
                                  {"off", MigrateMode::kOff}}),
      WithWord({.group = group,
                .name = "pool-mode",
                .help = "How the database is reached: directly, or through a pooler in transaction "
                        "mode (PgBouncer, a Neon host with -pooler), where timeouts must be set by "
                        "ALTER ROLE: --print-config shows how."},
               &Config::pool_mode,
               Words<PoolMode>{{"auto", PoolMode::kAuto},
                               {"direct", PoolMode::kDirect},
                               {"transaction", PoolMode::kTransaction}}),
  };
}

std::vector<Option> PoolOptionList() {
  return {
      PoolNumber("pool-min-connections",
                 "Opened at start. Not refilled until somebody asks, so that an idle service lets "
                 "a serverless database sleep.",
                 &pool::PoolOptions::min_connections),
      PoolNumber("pool-max-connections",
                 "The most this process holds. What all replicas hold, two more of them in a "
                 "rollout, and one connection of a migration must fit into what the database "
                 "grants.",
                 &pool::PoolOptions::max_connections),
      PoolTime("pool-connect-timeout",
               "For one attempt to connect, name resolution not included. A serverless database "
               "takes seconds to wake.",
               &pool::PoolOptions::connect_timeout),
      AcquireTimeoutOption(),
      PoolNumber("pool-max-retries",
                 "Failed connects in a row after which the pool is recreated. Never ends a call "
                 "that has time left.",
                 &pool::PoolOptions::max_retries),
      PoolTime("pool-retry-delay",
               "The first upper bound of the random delay between connects at start; it doubles.",
               &pool::PoolOptions::retry_delay),
      PoolTime("pool-idle-timeout",
               "Unused connections are closed after this. Keep it well below the database's own "
               "suspend or idle limit (Neon: 300s).",
               &pool::PoolOptions::idle_timeout),
      PoolTime("pool-max-lifetime", "Connections are replaced after this, less up to 20 %.",
               &pool::PoolOptions::max_lifetime),
      PoolTime("pool-validate-after-idle",
               "A connection unused for longer is asked for a sign of life before it is used "
               "again: one round trip.",
               &pool::PoolOptions::validate_after_idle),
      PoolNumber("pool-max-waiters", "Calls that may wait for a connection; one more is refused.",
                 &pool::PoolOptions::max_waiters),
      PoolTime("pool-outage-patience",
               "So long the database must have been away before calls are refused at once; until "
               "then they wait within their deadlines.",
               &pool::PoolOptions::outage_patience),
      PoolTime("pool-ping-timeout", "The longest wait for that sign of life.",
               &pool::PoolOptions::ping_timeout),
      PoolTime("pool-leak-threshold", "A connection in use for longer is reported in the log.",
               &pool::PoolOptions::leak_threshold),
  };
}

}  // namespace auth::server
