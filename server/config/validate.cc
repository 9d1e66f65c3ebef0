#include "server/config/validate.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "pool/conninfo.h"

namespace auth::server {
namespace {

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status CheckReadable(const char* flag, const std::string& path) {
  if (path.empty() || access(path.c_str(), R_OK) == 0) return absl::OkStatus();
  return Invalid(flag, ": cannot read ", path, ": ", std::strerror(errno));
}

absl::Status CheckTls(const Config& config) {
  if (config.tls_cert.empty() != config.tls_key.empty()) {
    return Invalid("--tls-cert and --tls-key go together: give both, or neither for plaintext");
  }
  if (!config.tls_client_ca.empty() && !config.tls()) {
    return Invalid("--tls-client-ca needs --tls-cert and --tls-key");
  }
  absl::Status status = CheckReadable("--tls-cert", config.tls_cert);
  status.Update(CheckReadable("--tls-key", config.tls_key));
  status.Update(CheckReadable("--tls-client-ca", config.tls_client_ca));
  return status;
}

absl::Status CheckListeners(const Config& config) {
  if (config.allow_plaintext) return absl::OkStatus();
  if (!config.tls() && !config.listen.IsLoopback()) {
    return Invalid("--listen ", config.listen.ToString(),
                   " would send passwords over the network in plaintext: give --tls-cert and "
                   "--tls-key, or --allow-plaintext if the network encrypts by itself");
  }
  if (config.ops_listen && !config.ops_listen->IsLoopback()) {
    return Invalid("--ops-listen ", config.ops_listen->ToString(),
                   " would serve plain HTTP to other machines: give --allow-plaintext (--listen "
                   "keeps its TLS), or a loopback address");
  }
  return absl::OkStatus();
}

absl::Status CheckDatabase(const Config& config) {
  if (config.database_url.empty()) return absl::OkStatus();
  const absl::StatusOr<pool::Conninfo> conninfo = pool::Conninfo::Parse(config.database_url);
  if (conninfo.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(conninfo.status().message());
}

// PoolOptions speaks of `max_connections is 0: …`, people of --pool-max-connections.
absl::Status CheckPool(const Config& config) {
  absl::Status status = config.pool.Validate();
  if (status.ok()) return status;
  const std::string message(status.message());
  const std::size_t name_end = std::min(message.find(' '), message.size());
  return Invalid("--pool-", absl::StrReplaceAll(message.substr(0, name_end), {{"_", "-"}}),
                 message.substr(name_end));
}

absl::Status CheckHashing(const Config& config, const Machine& machine) {
  const bool strong = (config.argon2_memory_kib >= 19456 && config.argon2_iterations >= 2) ||
                      config.argon2_memory_kib >= 47104;
  if (!strong && !config.allow_weak_hashing) {
    return Invalid("Argon2 with ", config.argon2_memory_kib, " KiB and ", config.argon2_iterations,
                   " iteration(s) is too cheap to attack: give at least 19456 KiB with 2 or 47104 "
                   "KiB with 1, or --allow-weak-hashing for tests");
  }
  if (config.argon2_memory_kib < 8 * config.argon2_parallelism) {
    return Invalid("--argon2-memory-kib must be at least 8 times --argon2-parallelism");
  }
  const std::int64_t bytes = std::int64_t{config.hash_workers} * config.argon2_memory_kib * 1024;
  const std::int64_t most = MaxHashMemoryBytes(machine);
  if (bytes > most) {
    return Invalid(config.hash_workers, " hash workers with ", config.argon2_memory_kib,
                   " KiB each need more than half of the memory there is (", most >> 20,
                   " MiB): lower --hash-workers or --argon2-memory-kib, or raise the memory limit");
  }
  return absl::OkStatus();
}

}  // namespace

std::int64_t MaxHashMemoryBytes(const Machine& machine) {
  return machine.memory_bytes ? *machine.memory_bytes / 2
                              : std::numeric_limits<std::int64_t>::max();
}

absl::Status ValidateConfig(const Config& config, const Machine& machine) {
  absl::Status status = CheckTls(config);
  status.Update(CheckListeners(config));
  status.Update(CheckDatabase(config));
  status.Update(CheckPool(config));
  status.Update(CheckHashing(config, machine));
  return status;
}

}  // namespace auth::server
