#include "tests/support/test_postgres.h"

#include <csignal>
#include <stdexcept>

namespace auth::testing {
namespace {

void Check(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(std::string(status.message()));
}

TestPostgres::Settings FastSettings() {
  return {{"fsync", "off"},
          {"full_page_writes", "off"},
          {"max_connections", "200"},
          {"shared_buffers", "32MB"},
          {"shared_preload_libraries", "pg_stat_statements"}};
}

}  // namespace

FrozenProcess::FrozenProcess(pid_t pid) : pid_(pid) {
  if (kill(pid, SIGSTOP) != 0) throw std::runtime_error("cannot stop the process");
}

void FrozenProcess::Thaw() {
  if (pid_ != 0) kill(std::exchange(pid_, 0), SIGCONT);
}

TestPostgres::TestPostgres(Settings settings) : guard_(directory_.path().string()) {
  Settings all = FastSettings();
  all.insert(all.end(), settings.begin(), settings.end());
  absl::StatusOr<std::unique_ptr<dev::EmbeddedPostgres>> started =
      dev::EmbeddedPostgres::Start({.directory = directory_.path() / "postgres", .settings = all});
  Check(started.status());
  server_ = *std::move(started);
  guard_.Watch(server_->postmaster_pid());
  admin_ = std::make_unique<SqlConnection>(server_->url());
  Execute("CREATE EXTENSION pg_stat_statements");
}

TestPostgres::~TestPostgres() {
  admin_.reset();
  // Nobody will miss the last checkpoint.
  static_cast<void>(server_->Stop(dev::EmbeddedPostgres::StopMode::kImmediate));
  server_.reset();
  guard_.Watch(0);
}

std::string TestPostgres::CreateDatabase(const std::string& options) {
  const std::string name = "test_" + std::to_string(++databases_);
  Execute("CREATE DATABASE " + name + " " + options);
  const std::string base = server_->url();
  return base.substr(0, base.rfind('/') + 1) + name;
}

std::vector<pid_t> TestPostgres::BackendPids() {
  std::vector<pid_t> pids;
  for (const SqlConnection::Row& row :
       admin_->Query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND "
                     "pid <> pg_backend_pid() ORDER BY backend_start, pid")) {
    pids.push_back(static_cast<pid_t>(std::stol(*row[0])));
  }
  return pids;
}

std::vector<FrozenProcess> TestPostgres::FreezeBackends() {
  std::vector<FrozenProcess> frozen;
  for (const pid_t backend : BackendPids()) frozen.push_back(Freeze(backend));
  return frozen;
}

int TestPostgres::KillBackends() {
  return std::stoi(
      QueryValue("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                 "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"));
}

int64_t TestPostgres::StatementCount(const std::string& url) {
  const size_t name = url.rfind('/') + 1;
  return std::stoll(admin_->QueryValue(
      "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements JOIN pg_database ON "
      "pg_database.oid = dbid WHERE datname = $1 AND toplevel",
      {url.substr(name, url.find('?') - name)}));
}

void TestPostgres::Stop(dev::EmbeddedPostgres::StopMode mode) {
  Check(server_->Stop(mode));
  guard_.Watch(0);
}

void TestPostgres::Restart() {
  Check(server_->Restart());
  guard_.Watch(server_->postmaster_pid());
}

void TestPostgres::Crash() { kill(server_->postmaster_pid(), SIGKILL); }

}  // namespace auth::testing
