#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/pool_options.h"
#include "server/listen_address.h"
#include "server/ops/logger.h"

namespace auth::server {

enum class MigrateMode { kAuto, kOnly, kOff };
using pool::PoolMode;

// Everything auth_server can be told, checked and complete: what depends on the machine or on other
// options (workers, drain delay, reflection, log format) is filled in. The defaults here are those
// of `auth_server --help`; server/config/options.cc gives each field its flag.
struct Config {
  // Listeners.
  ListenAddress listen{"127.0.0.1", 50051};
  std::optional<ListenAddress> http_listen = ListenAddress{"127.0.0.1", 8000};  // unset: off
  std::optional<ListenAddress> ops_listen = ListenAddress{"127.0.0.1", 9090};   // unset: off
  bool allow_plaintext = false;
  bool reflection = false;
  std::string port_file;  // empty: none
  std::vector<std::string> cors_origins;
  std::string service_tokens_file;  // empty: nobody has a role
  std::string tls_cert;             // PEM files; all empty: plaintext
  std::string tls_key;
  std::string tls_client_ca;

  // The database: exactly one of a URL and an embedded PostgreSQL.
  std::string database_url;       // a secret; as read at start if it came from database_url_file
  std::string database_url_file;  // empty: the URL was given directly
  std::string embedded_postgres;  // directory of the private cluster; empty: none
  MigrateMode migrate = MigrateMode::kAuto;
  PoolMode pool_mode = PoolMode::kAuto;
  pool::PoolOptions pool;

  // Calls.
  Duration max_deadline = std::chrono::seconds(15);
  bool rate_limit = true;
  Duration session_ttl = std::chrono::hours(24);
  int password_min_length = 8;
  double password_min_guesses = 1e5;

  // Argon2id.
  std::uint32_t argon2_memory_kib = 19456;
  std::uint32_t argon2_iterations = 2;
  std::uint32_t argon2_parallelism = 1;
  bool allow_weak_hashing = false;
  int hash_workers = 1;
  int hash_queue = 256;

  // Operation.
  ops::LogLevel log_level = ops::LogLevel::kInfo;
  ops::LogFormat log_format = ops::LogFormat::kJson;
  std::string otlp_endpoint;  // a URL; empty: no spans are exported
  Duration drain_delay = std::chrono::seconds(0);
  Duration drain_timeout = std::chrono::seconds(20);

  bool tls() const { return !tls_cert.empty(); }
  // The URL to connect with now: `database_url_file` is read again, so that a rotated password
  // takes effect without a restart. INVALID_ARGUMENT if the file is unreadable or no URL.
  absl::StatusOr<std::string> CurrentDatabaseUrl() const;
};

// What the command line asked for in the place of a run: print it and exit 0.
struct PrintAndExit {
  std::string text;
};

// What the configuration depends on beside the words of the user; a test makes its own.
struct Machine {
  int cpus = 1;                              // the CPU quota: cgroup and affinity, at least 1
  std::optional<std::int64_t> memory_bytes;  // the cgroup's limit, else all there is
  bool stderr_is_terminal = false;

  static Machine Detect();
};

using Environment = std::map<std::string, std::string>;
// The variables of this process.
Environment ProcessEnvironment();

// Reads flags, then environment, then the file of --config: the first that names an option decides.
// `arguments` are those of main without the program's name.
//
// INVALID_ARGUMENT (exit code 2) with one sentence that says what to do, for anything unknown,
// malformed, contradictory, or missing.
absl::StatusOr<std::variant<Config, PrintAndExit>> LoadConfig(
    const std::vector<std::string>& arguments, const Environment& environment,
    const Machine& machine);

// The version in `--version`, e.g. "0.1.0".
std::string Version();

}  // namespace auth::server
