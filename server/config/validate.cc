#include "server/config/validate.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "pool/conninfo.h"
#include "server/account/argon2_hasher.h"
#include "server/rpc/transport_security.h"

namespace auth::server {
namespace {

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status CheckHttpListener(const char* flag, const std::optional<ListenAddress>& listen,
                               const Config& config) {
  if (!listen || listen->IsLoopback() || config.allow_plaintext) return absl::OkStatus();
  return Invalid(flag, " ", listen->ToString(),
                 " would serve plain HTTP to other machines: give --allow-plaintext (--listen "
                 "keeps its TLS), or a loopback address");
}

absl::Status CheckListeners(const Config& config) {
  const rpc::TlsFiles tls{
      .cert = config.tls_cert, .key = config.tls_key, .client_ca = config.tls_client_ca};
  absl::Status status = rpc::CheckTransport(tls, config.listen.ToString(), config.allow_plaintext);
  if (!status.ok()) return status;
  status = CheckHttpListener("--http-listen", config.http_listen, config);
  status.Update(CheckHttpListener("--ops-listen", config.ops_listen, config));
  return status;
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
  const account::Argon2Hasher::Options hasher{
      .parameters = {.memory_kib = config.argon2_memory_kib,
                     .iterations = config.argon2_iterations,
                     .parallelism = config.argon2_parallelism},
      .arenas = config.hash_workers,
      .allow_weak = config.allow_weak_hashing};
  if (absl::Status status = hasher.Validate(); !status.ok()) {
    return Invalid(status.message(),
                   " Change --argon2-memory-kib (m), --argon2-iterations (t) or "
                   "--argon2-parallelism (p), or give --allow-weak-hashing for tests");
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
  absl::Status status = CheckDatabase(config);
  status.Update(CheckPool(config));
  // A process that only migrates listens nowhere and hashes nothing.
  if (config.migrate == MigrateMode::kOnly) return status;
  status.Update(CheckListeners(config));
  status.Update(CheckHashing(config, machine));
  return status;
}

}  // namespace auth::server
