#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/connection.h"
#include "pool/conninfo.h"
#include "pool/deadline_watchdog.h"
#include "pool/host_resolver.h"
#include "pool/mutex.h"
#include "pool/pool_options.h"
#include "pool/pqxx_connection.h"

namespace auth::pool {

// Connects to PostgreSQL through libpqxx. Owns the watchdog of all its connections, which it must
// outlive. Thread-safe.
//
// What it adds to the connection string, where that does not say otherwise: application_name, TCP
// keepalive (dead peers are noticed after a minute, and an idle database is not woken by it) and
// tcp_user_timeout; on a direct connection also statement_timeout, lock_timeout and, where the
// server knows it, client_connection_check_interval.
//
//   PqxxConnectionFactory::Options options;
//   options.url_source = [url] { return url; };
//   auto factory = PqxxConnectionFactory::Create(std::move(options), &clock);
//   if (!factory.ok()) return factory.status();
class PqxxConnectionFactory final : public ConnectionFactory {
 public:
  struct Options {
    // The connection string: a URI or keywords, also with several hosts. Asked for at each connect,
    // so that a password that was changed in its file is picked up; called from several threads.
    std::function<absl::StatusOr<std::string>()> url_source;
    PoolMode pool_mode = PoolMode::kAuto;
    // The addresses of a host name; called from several threads, and may block.
    std::function<absl::StatusOr<std::vector<std::string>>(const std::string& host)> resolve =
        ResolveHost;
    // A server gives up on a statement of ours, or on waiting for a lock, after so long; for when
    // we are not there any more to cut it.
    Duration statement_timeout = std::chrono::seconds(5);
    Duration lock_timeout = std::chrono::seconds(2);
    // How often a server looks whether the client of a running statement is still there.
    Duration client_connection_check_interval = std::chrono::seconds(1);
  };

  // FAILED_PRECONDITION (SqlFault::kConfiguration) for a connection string that cannot be read.
  static absl::StatusOr<std::unique_ptr<PqxxConnectionFactory>> Create(Options options,
                                                                       const Clock* clock);
  ~PqxxConnectionFactory() override;

  // Tries the hosts in turn, each with an equal share of the time left, and the addresses of each
  // in the same way; but one that has accepted the connection gets half of its host's time, since
  // it may be waking a database. A refused password ends it, as in libpq. What the resolver takes
  // is not counted. `prefer-standby` of target_session_attrs is judged for each address alone.
  absl::StatusOr<std::unique_ptr<Connection>> Connect(MonotonicTime deadline) override;
  absl::Status Dial(MonotonicTime deadline) override;
  void Cancel() override;

  // Whether connections go through a transaction pooler; kAuto may find out at the first connect.
  bool transaction_pooling() const { return transaction_pooling_; }

 private:
  // How much of the start-up options a connect asks for.
  enum class StartupOptions { kAll, kNoCheckInterval, kNone };

  PqxxConnectionFactory(Options options, bool transaction_pooling, int cancel_fd,
                        const Clock* clock);

  // Moves `deadline` by what the resolver takes.
  absl::StatusOr<PgConn> ConnectHosts(const Conninfo& conninfo, ConnectDepth depth,
                                      MonotonicTime* deadline);
  absl::StatusOr<Conninfo> CurrentConninfo() const;
  // One Conninfo for each address of the one host of `conninfo`.
  absl::StatusOr<std::vector<Conninfo>> Resolve(const Conninfo& host) const;
  // For a session: with our start-up options, as far as the server knows them.
  absl::StatusOr<PgConn> OpenSession(const Conninfo& address, const ConnectDeadlines& deadlines);
  Conninfo WithDefaults(Conninfo conninfo, StartupOptions startup_options) const;
  bool cancelled() const;
  absl::StatusOr<std::unique_ptr<Connection>> Finish(PgConn connection, MonotonicTime deadline);

  const Options options_;
  const Clock* const clock_;
  const int cancel_fd_;  // an eventfd: readable once cancelled
  DeadlineWatchdog watchdog_;
  std::atomic<bool> transaction_pooling_;
  std::atomic<bool> check_interval_refused_ = false;
  mutable Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  // Connections whose first statement is under way.
  std::set<PqxxConnection*> finishing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth::pool
