#include "pool/pqxx_connection_factory.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pool/sql_error.h"

namespace auth::pool {
namespace {

constexpr char kCheckInterval[] = "client_connection_check_interval";

std::string Milliseconds(Duration duration) {
  return absl::StrCat(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

// The connect_timeout of the connection string, which libpq itself ignores in non-blocking
// connects.
Duration OwnTimeout(const Conninfo& conninfo) {
  int seconds = 0;
  if (!absl::SimpleAtoi(conninfo.Get("connect_timeout"), &seconds) || seconds <= 0) {
    return Duration::max();
  }
  return std::chrono::seconds(seconds);
}

// What each of `takers` gets of the time left.
Duration Share(Duration left, size_t takers) { return left / static_cast<int64_t>(takers); }

// The failure that says most of what the hosts are up to, with the messages of all: a server that
// would serve us if it were not full, else one that answered, else the last.
absl::Status Joined(const std::vector<absl::Status>& failures) {
  const auto rank = [](const absl::Status& failure) {
    const SqlError error = SqlErrorOrLost(failure);
    return IsRefusedSession(error.fault) ? 2 : error.sqlstate.empty() ? 0 : 1;
  };
  const auto most = std::max_element(failures.rbegin(), failures.rend(),
                                     [&](const absl::Status& left, const absl::Status& right) {
                                       return rank(left) < rank(right);
                                     });
  const auto append_message = [](std::string* out, const absl::Status& failure) {
    absl::StrAppend(out, failure.message());
  };
  return MakeSqlStatus(SqlErrorOrLost(*most), absl::StrJoin(failures, "; ", append_message));
}

absl::Status Cancelled() { return MakeSqlStatus(SqlFault::kLost, "connecting was cancelled"); }

bool RefusesStartupOptions(const absl::Status& status) {
  const std::optional<SqlError> error = GetSqlError(status);
  return error.has_value() && error->sqlstate == "08P01";
}

// 42704 before PostgreSQL 14, 22023 on platforms that cannot.
bool RefusesCheckInterval(const absl::Status& status) {
  const std::optional<SqlError> error = GetSqlError(status);
  return error.has_value() && (error->sqlstate == "42704" || error->sqlstate == "22023") &&
         absl::StrContains(status.message(), kCheckInterval);
}

bool IsFault(const absl::Status& status, SqlFault fault) {
  const std::optional<SqlError> error = GetSqlError(status);
  return error.has_value() && error->fault == fault;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PqxxConnectionFactory>> PqxxConnectionFactory::Create(
    Options options, const Clock* clock) {
  const absl::StatusOr<std::string> url = options.url_source();
  if (!url.ok()) return url.status();
  const absl::StatusOr<Conninfo> conninfo = Conninfo::Parse(*url);
  if (!conninfo.ok()) return conninfo.status();
  const bool transaction_pooling =
      options.pool_mode == PoolMode::kTransaction ||
      (options.pool_mode == PoolMode::kAuto && conninfo->HasPoolerHost());
  const int cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (cancel_fd < 0) {
    return absl::ResourceExhaustedError("no file descriptor left: raise the limit (ulimit -n)");
  }
  return std::unique_ptr<PqxxConnectionFactory>(
      new PqxxConnectionFactory(std::move(options), transaction_pooling, cancel_fd, clock));
}

PqxxConnectionFactory::PqxxConnectionFactory(Options options, bool transaction_pooling,
                                             int cancel_fd, const Clock* clock)
    : options_(std::move(options)),
      clock_(clock),
      cancel_fd_(cancel_fd),
      watchdog_(clock),
      transaction_pooling_(transaction_pooling) {}

PqxxConnectionFactory::~PqxxConnectionFactory() { close(cancel_fd_); }

absl::StatusOr<std::unique_ptr<Connection>> PqxxConnectionFactory::Connect(MonotonicTime deadline) {
  const absl::StatusOr<Conninfo> conninfo = CurrentConninfo();
  if (!conninfo.ok()) return conninfo.status();
  absl::StatusOr<PgConn> connection = ConnectHosts(*conninfo, ConnectDepth::kSession, &deadline);
  if (!connection.ok()) return connection.status();
  return Finish(*std::move(connection), deadline);
}

absl::Status PqxxConnectionFactory::Dial(MonotonicTime deadline) {
  const absl::StatusOr<Conninfo> conninfo = CurrentConninfo();
  if (!conninfo.ok()) return conninfo.status();
  return ConnectHosts(*conninfo, ConnectDepth::kListener, &deadline).status();
}

absl::StatusOr<Conninfo> PqxxConnectionFactory::CurrentConninfo() const {
  const absl::StatusOr<std::string> url = options_.url_source();
  if (!url.ok()) {
    return MakeSqlStatus(SqlFault::kConfiguration, std::string(url.status().message()));
  }
  return Conninfo::Parse(*url);
}

absl::StatusOr<PgConn> PqxxConnectionFactory::ConnectHosts(const Conninfo& conninfo,
                                                           ConnectDepth depth,
                                                           MonotonicTime* deadline) {
  const std::vector<Conninfo> hosts = conninfo.SplitHosts();
  const Duration own_timeout = OwnTimeout(conninfo);
  std::vector<absl::Status> failures;
  for (size_t i = 0; i < hosts.size(); ++i) {
    if (cancelled()) return Cancelled();
    const MonotonicTime asked = clock_->Monotonic();
    const absl::StatusOr<std::vector<Conninfo>> addresses = Resolve(hosts[i]);
    const MonotonicTime answered = clock_->Monotonic();
    *deadline += answered - asked;
    if (!addresses.ok()) {
      failures.push_back(addresses.status());
      continue;
    }
    const MonotonicTime host_deadline = answered + Share(*deadline - answered, hosts.size() - i);
    for (size_t j = 0; j < addresses->size(); ++j) {
      const MonotonicTime now = clock_->Monotonic();
      const Duration left = host_deadline - now;
      const Duration share = Share(left, addresses->size() - j);
      const ConnectDeadlines deadlines = {
          .reached = now + std::min(share, own_timeout),
          .complete = now + std::min(std::max(share, left / 2), own_timeout)};
      absl::StatusOr<PgConn> connection =
          depth == ConnectDepth::kListener
              ? ConnectLibpq((*addresses)[j], deadlines, cancel_fd_, clock_, depth)
              : OpenSession((*addresses)[j], deadlines);
      if (connection.ok() || IsFault(connection.status(), SqlFault::kConfiguration)) {
        return connection;
      }
      failures.push_back(connection.status());
      // It is there, and would be no less full by its other addresses.
      if (IsFault(connection.status(), SqlFault::kServerFull)) break;
    }
  }
  return Joined(failures);
}

absl::StatusOr<std::vector<Conninfo>> PqxxConnectionFactory::Resolve(const Conninfo& host) const {
  const std::string name = host.NameToResolve();
  if (name.empty()) return std::vector<Conninfo>{host};
  const absl::StatusOr<std::vector<std::string>> addresses = options_.resolve(name);
  if (!addresses.ok()) return addresses.status();
  std::vector<Conninfo> each(addresses->size(), host);  // the name stays, for its certificate
  for (size_t i = 0; i < each.size(); ++i) each[i].Set("hostaddr", (*addresses)[i]);
  return each;
}

absl::StatusOr<PgConn> PqxxConnectionFactory::OpenSession(const Conninfo& address,
                                                          const ConnectDeadlines& deadlines) {
  StartupOptions wanted = transaction_pooling_      ? StartupOptions::kNone
                          : check_interval_refused_ ? StartupOptions::kNoCheckInterval
                                                    : StartupOptions::kAll;
  for (;;) {
    absl::StatusOr<PgConn> connection =
        ConnectLibpq(WithDefaults(address, wanted), deadlines, cancel_fd_, clock_);
    if (connection.ok()) {
      // Decided only now: a pooler answers 08P01 also while its server is away.
      if (wanted == StartupOptions::kNone) transaction_pooling_ = true;
      if (wanted == StartupOptions::kNoCheckInterval) check_interval_refused_ = true;
      return connection;
    }
    if (wanted == StartupOptions::kAll && RefusesCheckInterval(connection.status())) {
      wanted = StartupOptions::kNoCheckInterval;
    } else if (wanted != StartupOptions::kNone && options_.pool_mode == PoolMode::kAuto &&
               RefusesStartupOptions(connection.status())) {
      wanted = StartupOptions::kNone;
    } else {
      return connection;
    }
  }
}

Conninfo PqxxConnectionFactory::WithDefaults(Conninfo conninfo,
                                             StartupOptions startup_options) const {
  conninfo.SetDefault("application_name", "auth_server");
  conninfo.SetDefault("client_encoding", "UTF8");
  conninfo.SetDefault("keepalives_idle", "30");
  conninfo.SetDefault("keepalives_interval", "10");
  conninfo.SetDefault("keepalives_count", "3");
  conninfo.SetDefault("tcp_user_timeout", "10000");  // for data that nobody acknowledges
  if (startup_options == StartupOptions::kNone) return conninfo;

  std::string ours = absl::StrCat("-c statement_timeout=", Milliseconds(options_.statement_timeout),
                                  " -c lock_timeout=", Milliseconds(options_.lock_timeout));
  if (startup_options == StartupOptions::kAll) {
    absl::StrAppend(&ours, " -c ", kCheckInterval, "=",
                    Milliseconds(options_.client_connection_check_interval));
  }
  const std::string theirs = conninfo.Get("options");  // the last of two settings counts
  conninfo.Set("options", theirs.empty() ? ours : absl::StrCat(ours, " ", theirs));
  return conninfo;
}

absl::StatusOr<std::unique_ptr<Connection>> PqxxConnectionFactory::Finish(PgConn connection,
                                                                          MonotonicTime deadline) {
  absl::StatusOr<std::unique_ptr<PqxxConnection>> adopted = PqxxConnection::Adopt(
      std::move(connection), PqxxConnection::Options{.prepare_statements = !transaction_pooling_},
      &watchdog_, clock_);
  if (!adopted.ok()) return adopted.status();
  {
    MutexLock lock(&mutex_);
    if (cancelled_) return Cancelled();
    finishing_.insert(adopted->get());
  }
  absl::Status status = (*adopted)->RefreshDatabaseTime(deadline);
  {
    MutexLock lock(&mutex_);
    finishing_.erase(adopted->get());
  }
  if (IsFault(status,
              SqlFault::kDeadline)) {  // a pooler lets in at once and looks for a server then
    return MakeSqlStatus(SqlFault::kLost, "connected, but no answer in time");
  }
  if (!status.ok()) return status;
  return std::unique_ptr<Connection>(*std::move(adopted));
}

bool PqxxConnectionFactory::cancelled() const {
  MutexLock lock(&mutex_);
  return cancelled_;
}

void PqxxConnectionFactory::Cancel() {
  eventfd_write(cancel_fd_, 1);
  MutexLock lock(&mutex_);
  cancelled_ = true;
  for (PqxxConnection* connection : finishing_) connection->Cut();
}

}  // namespace auth::pool
