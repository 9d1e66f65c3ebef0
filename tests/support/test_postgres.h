#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/dev/embedded_postgres.h"
#include "tests/support/orphan_guard.h"
#include "tests/support/sql_connection.h"
#include "tests/support/temporary_directory.h"

namespace auth::testing {

// A stopped process (SIGSTOP): sockets stay open and nothing answers. Continues when destroyed.
class FrozenProcess {
 public:
  explicit FrozenProcess(pid_t pid);
  FrozenProcess(FrozenProcess&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  FrozenProcess& operator=(FrozenProcess&&) = delete;
  ~FrozenProcess() { Thaw(); }

  void Thaw();

 private:
  pid_t pid_;
};

// A PostgreSQL of a test's own, in a temporary directory, without fsync. Gone with the object, and
// also if the test crashes. Failures throw std::runtime_error, which fails the test.
//
//   TestPostgres postgres({{"idle_session_timeout", "1s"}});
//   const std::string url = postgres.CreateDatabase();
//   postgres.KillBackends();
class TestPostgres {
 public:
  using Settings = std::vector<std::pair<std::string, std::string>>;

  // Lines of postgresql.conf, besides those that make it fast.
  explicit TestPostgres(Settings settings = {});
  ~TestPostgres();

  // A URL of a new, empty database: what gives each test a world of its own, in 50 ms. `options`
  // are those of CREATE DATABASE.
  std::string CreateDatabase(const std::string& options = "");
  // The database `postgres`.
  std::string url() const { return server_->url(); }
  int port() const { return server_->port(); }
  pid_t postmaster_pid() const { return server_->postmaster_pid(); }

  // Statements of the superuser, in the database `postgres`.
  void Execute(const std::string& sql) { admin_->Execute(sql); }
  std::string QueryValue(const std::string& sql) { return admin_->QueryValue(sql); }

  // The server processes of all client connections except the superuser's above, oldest first.
  std::vector<pid_t> BackendPids();
  // pg_terminate_backend for each of those; how many there were. Does not wait for their end.
  int KillBackends();
  FrozenProcess Freeze(pid_t backend) { return FrozenProcess(backend); }
  // All of them.
  std::vector<FrozenProcess> FreezeBackends();

  // How many statements the database of `url` has finished, BEGIN and the like included.
  int64_t StatementCount(const std::string& url);

  void Stop(dev::EmbeddedPostgres::StopMode mode = dev::EmbeddedPostgres::StopMode::kFast);
  // Starts it, on the same port; stops it first if it runs.
  void Restart();
  // SIGKILL to the postmaster, as the kernel's out-of-memory killer would send it.
  void Crash();

 private:
  TemporaryDirectory directory_;
  OrphanGuard guard_;
  std::unique_ptr<dev::EmbeddedPostgres> server_;
  std::unique_ptr<SqlConnection> admin_;
  int databases_ = 0;
};

// A fixture whose tests share one TestPostgres:
//
//   TEST_F(PostgresTest, Something) { const std::string url = postgres().CreateDatabase(); … }
class PostgresTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { postgres_ = new TestPostgres; }
  static void TearDownTestSuite() { delete std::exchange(postgres_, nullptr); }
  static TestPostgres& postgres() { return *postgres_; }

 private:
  static inline TestPostgres* postgres_ = nullptr;
};

}  // namespace auth::testing
