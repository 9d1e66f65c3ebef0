#include "tests/support/standby_postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/dev/child_process.h"
#include "server/dev/postgres_install.h"
#include "tests/support/eventually.h"
#include "tests/support/postgres_url.h"

namespace auth::testing {
namespace {

constexpr std::chrono::seconds kPatience(60);

std::filesystem::path Binary(const std::string& program) {
  const auto directory = dev::FindPostgres(std::nullopt, "");
  if (!directory.ok()) throw std::runtime_error(std::string(directory.status().message()));
  return *directory / program;
}

void Require(bool done, const std::string& what) {
  if (!done) throw std::runtime_error("the standby " + what);
}

}  // namespace

StandbyPostgres::StandbyPostgres(const std::string& primary_url)
    : server_(Binary("postgres")),
      url_(WithLoopbackPort(primary_url, server_.port())),
      admin_(url_) {
  CopyFrom(primary_url);
  const std::string here = server_.directory().string();
  server_.Start({"-D", here + "/cluster", absl::StrCat("--port=", server_.port()),
                 "--unix_socket_directories=" + here, "--hot_standby=on"});
  Require(Eventually(
              [&] {
                try {
                  return admin_.QueryValue(
                             "SELECT count(*) FROM pg_stat_wal_receiver "
                             "WHERE status = 'streaming'") == "1";
                } catch (const std::runtime_error&) {  // it is starting
                  return false;
                }
              },
              kPatience),
          "does not stream: " + server_.log());
}

void StandbyPostgres::CopyFrom(const std::string& primary_url) {
  const auto user = dev::PostgresUser();
  if (!user.ok()) throw std::runtime_error(std::string(user.status().message()));
  const std::filesystem::path log = server_.Write("basebackup.log", "");
  const int output = open(log.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  auto copying = dev::ChildProcess::Spawn(
      {.command = {Binary("pg_basebackup").string(), "--dbname=" + primary_url,
                   "--pgdata=" + (server_.directory() / "cluster").string(),
                   "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast",
                   "--no-sync"},
       .working_directory = server_.directory(),
       .environment = {"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"},
       .user = *user,
       .output = output});
  close(output);
  if (!copying.ok()) throw std::runtime_error(std::string(copying.status().message()));
  Require(copying->WaitForExit(kPatience) && copying->wait_status() == 0,
          "cannot be copied: see " + log.string());
}

std::string StandbyPostgres::Url(const std::string& primary_url) const {
  return WithLoopbackPort(primary_url, port());
}

void StandbyPostgres::CatchUp(SqlConnection& primary) {
  const std::string written = primary.QueryValue("SELECT pg_current_wal_lsn()");
  Require(Eventually(
              [&] {
                return admin_.QueryValue("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn",
                                         {written}) == "t";
              },
              kPatience),
          "does not catch up");
}

void StandbyPostgres::Promote() {
  Require(admin_.QueryValue("SELECT pg_promote(true, 60)") == "t", "cannot be promoted");
}

void StandbyPostgres::Stop() { server_.End(SIGINT); }

}  // namespace auth::testing
