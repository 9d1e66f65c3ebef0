#include "tests/support/test_store.h"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "pool/pqxx_connection_factory.h"
#include "server/account/token.h"
#include "server/store/migrator.h"

namespace auth::testing {
namespace {

constexpr Duration kMigrationTimeout = std::chrono::seconds(60);

std::unique_ptr<pool::ConnectionFactory> MakeFactory(const std::string& url, const Clock* clock,
                                                     FaultInjector* faults, pool::PoolMode mode) {
  pool::PqxxConnectionFactory::Options options;
  options.url_source = [url] { return url; };
  options.pool_mode = mode;
  absl::StatusOr<std::unique_ptr<pool::PqxxConnectionFactory>> factory =
      pool::PqxxConnectionFactory::Create(std::move(options), clock);
  if (!factory.ok()) throw std::runtime_error(factory.status().ToString());
  if (faults == nullptr) return *std::move(factory);
  return faults->Wrap(*std::move(factory));
}

// To the microsecond, which is what a database keeps.
WallTime Now() {
  return WallTime(
      std::chrono::floor<std::chrono::microseconds>(RealClock().Now().time_since_epoch()));
}

}  // namespace

TestStore::TestStore(const std::string& url, pool::PoolOptions options, FaultInjector* faults,
                     pool::PoolMode mode)
    : pool_(std::move(options), MakeFactory(url, &clock_, faults, mode), &clock_, &observer_),
      runner_(&pool_, &clock_, &observer_),
      store_(&runner_, &clock_) {
  pool_.Start();
  const absl::StatusOr<int> migrated = store::Migrator(&runner_, store::EmbeddedMigrations())
                                           .Apply(In(kMigrationTimeout), In(kMigrationTimeout));
  if (!migrated.ok()) throw std::runtime_error(migrated.status().ToString());
}

account::NewUser MakeNewUser(std::string_view email) {
  const WallTime now = Now();
  account::NewUser user;
  user.id = account::Uuid::NewV7(now);
  user.email = std::string(email);
  user.email_key = user.email;
  user.password_hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$" + user.id.ToString();
  user.created_at = now;
  user.session = MakeNewSession(user.id);
  user.event_id = account::Uuid::NewV7(now);
  return user;
}

account::NewSession MakeNewSession(const account::Uuid& user) {
  const WallTime now = Now();
  account::NewSession session;
  session.id = account::Uuid::NewV7(now);
  session.user_id = user;
  session.token_hash = account::Token::New().Hash();
  session.created_at = now;
  session.expires_at = now + std::chrono::hours(1);
  return session;
}

}  // namespace auth::testing
