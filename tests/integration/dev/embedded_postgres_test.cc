#include "server/dev/embedded_postgres.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <optional>

#include "tests/support/eventually.h"
#include "tests/support/orphan_guard.h"
#include "tests/support/sql_connection.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace auth::dev {
namespace {

namespace fs = std::filesystem;
using testing::Eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::SqlConnection;

class EmbeddedPostgresTest : public ::testing::Test {
 protected:
  fs::path directory() const { return temporary_.path() / "data"; }

  EmbeddedPostgres::Options Options(std::vector<std::pair<std::string, std::string>> more = {}) {
    more.emplace_back("fsync", "off");
    return {.directory = directory(), .settings = more};
  }

  // Starts, and sees to it that nothing is left if the test crashes.
  std::unique_ptr<EmbeddedPostgres> Start(const EmbeddedPostgres::Options& options) {
    absl::StatusOr<std::unique_ptr<EmbeddedPostgres>> started = EmbeddedPostgres::Start(options);
    EXPECT_THAT(started, IsOk());
    if (!started.ok()) return nullptr;
    guard_.Watch((*started)->postmaster_pid());
    return *std::move(started);
  }

  // Lets a process of its own start the server and die without stopping it; the server's id.
  pid_t StartInAProcessThatIsKilled(const EmbeddedPostgres::Options& options) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    const pid_t owner = fork();
    if (owner == 0) {
      absl::StatusOr<std::unique_ptr<EmbeddedPostgres>> started = EmbeddedPostgres::Start(options);
      const pid_t server = started.ok() ? (*started)->postmaster_pid() : -1;
      if (write(ends[1], &server, sizeof server) < 0) _exit(1);
      pause();
    }
    pid_t server = -1;
    EXPECT_EQ(read(ends[0], &server, sizeof server), static_cast<ssize_t>(sizeof server));
    close(ends[0]);
    close(ends[1]);
    kill(owner, SIGKILL);
    waitpid(owner, nullptr, 0);
    guard_.Watch(server);
    return server;
  }

  testing::TemporaryDirectory temporary_;
  testing::OrphanGuard guard_{temporary_.path().string()};
};

bool IsRunning(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string id, name, state;
  return (stat >> id >> name >> state) && state != "Z";
}

// Listens on a port of loopback.
class Listener {
 public:
  explicit Listener(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
  }
  ~Listener() { close(fd_); }

 private:
  const int fd_;
};

TEST_F(EmbeddedPostgresTest, ServesOverLoopbackAndSocketWithThePasswordOnly) {
  auto postgres = Start(Options({{"work_mem", "5MB"}}));
  ASSERT_NE(postgres, nullptr);
  EXPECT_EQ(SqlConnection(postgres->url()).QueryValue("SHOW work_mem"), "5MB");
  EXPECT_EQ(SqlConnection(postgres->socket_url()).QueryValue("SHOW server_encoding"), "UTF8");
  EXPECT_EQ(SqlConnection(postgres->url()).QueryValue("SHOW listen_addresses"), "127.0.0.1");

  std::string wrong = postgres->url();
  wrong[wrong.find('@') - 1] ^= 1;
  EXPECT_THROW(SqlConnection(wrong).Execute("SELECT 1"), std::runtime_error);
  const std::string none = "host=127.0.0.1 user=postgres port=" + std::to_string(postgres->port());
  EXPECT_THROW(SqlConnection(none).Execute("SELECT 1"), std::runtime_error);

  struct stat info;
  ASSERT_EQ(stat((directory() / "password").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(EmbeddedPostgresTest, FsyncIsOnUnlessAskedOtherwise) {
  auto postgres = Start({.directory = directory(), .settings = {}});
  ASSERT_NE(postgres, nullptr);
  EXPECT_EQ(SqlConnection(postgres->url()).QueryValue("SHOW fsync"), "on");
}

TEST_F(EmbeddedPostgresTest, IsInASessionOfItsOwnAndLeavesNothingRunning) {
  auto postgres = Start(Options());
  ASSERT_NE(postgres, nullptr);
  const pid_t pid = postgres->postmaster_pid();
  EXPECT_EQ(getsid(pid), pid);
  const std::string sockets =
      SqlConnection(postgres->url()).QueryValue("SHOW unix_socket_directories");
  EXPECT_LE((sockets + "/.s.PGSQL.65535").size(), 107u);
  EXPECT_TRUE(fs::exists(sockets));
  postgres.reset();
  EXPECT_FALSE(IsRunning(pid));
  EXPECT_FALSE(fs::exists(sockets));
}

TEST_F(EmbeddedPostgresTest, KeepsDataAndAddressOverAStop) {
  std::string url;
  {
    auto postgres = Start(Options());
    ASSERT_NE(postgres, nullptr);
    url = postgres->url();
    SqlConnection(url).Execute("CREATE TABLE kept AS SELECT 42 AS answer");
  }
  auto postgres = Start(Options());
  ASSERT_NE(postgres, nullptr);
  EXPECT_EQ(postgres->url(), url);
  EXPECT_EQ(SqlConnection(url).QueryValue("SELECT answer FROM kept"), "42");
}

TEST_F(EmbeddedPostgresTest, MovesToAnotherPortIfItsOwnIsTaken) {
  int port = 0;
  {
    auto postgres = Start(Options());
    ASSERT_NE(postgres, nullptr);
    port = postgres->port();
  }
  const Listener stranger(port);
  auto postgres = Start(Options());
  ASSERT_NE(postgres, nullptr);
  EXPECT_NE(postgres->port(), port);
  EXPECT_EQ(SqlConnection(postgres->url()).QueryValue("SELECT 1"), "1");
}

TEST_F(EmbeddedPostgresTest, RefusesASecondStartInTheSameDirectory) {
  auto postgres = Start(Options());
  ASSERT_NE(postgres, nullptr);
  auto second = EmbeddedPostgres::Start(Options());
  EXPECT_EQ(second.status().message(), "another process is using the private PostgreSQL in " +
                                           directory().string() +
                                           "; stop it or choose another directory");
  EXPECT_EQ(SqlConnection(postgres->url()).QueryValue("SELECT 1"), "1");
}

TEST_F(EmbeddedPostgresTest, TakesOverTheServerOfAnOwnerThatWasKilled) {
  const pid_t server = StartInAProcessThatIsKilled(Options());
  ASSERT_TRUE(IsRunning(server));
  {
    auto postgres = Start(Options());
    ASSERT_NE(postgres, nullptr);
    EXPECT_EQ(postgres->postmaster_pid(), server);
    EXPECT_EQ(SqlConnection(postgres->url()).QueryValue("SELECT 1"), "1");
  }
  EXPECT_FALSE(IsRunning(server));
}

TEST_F(EmbeddedPostgresTest, ReplacesTheServerOfAnOwnerThatWasKilledIfSettingsDiffer) {
  const pid_t server = StartInAProcessThatIsKilled(Options());
  ASSERT_TRUE(IsRunning(server));
  auto postgres = Start(Options({{"max_connections", "77"}}));
  ASSERT_NE(postgres, nullptr);
  EXPECT_FALSE(IsRunning(server));
  EXPECT_EQ(SqlConnection(postgres->url()).QueryValue("SHOW max_connections"), "77");
}

TEST_F(EmbeddedPostgresTest, RecoversWhatACrashLeft) {
  const pid_t server = StartInAProcessThatIsKilled(Options());
  kill(server, SIGKILL);
  ASSERT_TRUE(Eventually([&] { return !IsRunning(server); }));
  // Reaped or not: that is up to process 1.
  auto postgres = Start(Options());
  ASSERT_NE(postgres, nullptr);
  EXPECT_NE(postgres->postmaster_pid(), server);
  EXPECT_EQ(SqlConnection(postgres->url()).QueryValue("SELECT 1"), "1");
}

TEST_F(EmbeddedPostgresTest, IsNotFooledByAStrangerWithTheOldNumber) {
  Start(Options());
  // After a reboot the number of a dead postmaster may be anybody's: here it is ours.
  std::ofstream(directory() / "cluster" / "postmaster.pid") << getpid() << "\n";
  auto postgres = Start(Options());
  ASSERT_NE(postgres, nullptr);
  EXPECT_NE(postgres->postmaster_pid(), getpid());
  EXPECT_EQ(SqlConnection(postgres->url()).QueryValue("SELECT 1"), "1");
}

TEST_F(EmbeddedPostgresTest, RedoesAnInitdbThatWasCutShort) {
  fs::create_directories(directory() / "cluster.new.abcdef" / "base");
  chmod(directory().c_str(), 0711);
  std::ofstream(directory() / "cluster.new.abcdef" / "PG_VERSION") << "15\n";
  auto postgres = Start(Options());
  ASSERT_NE(postgres, nullptr);
  EXPECT_FALSE(fs::exists(directory() / "cluster.new.abcdef"));
  EXPECT_EQ(SqlConnection(postgres->url()).QueryValue("SELECT 1"), "1");
}

TEST_F(EmbeddedPostgresTest, RestartsOnTheSamePortAfterEachKindOfEnd) {
  auto postgres = Start(Options());
  ASSERT_NE(postgres, nullptr);
  const std::string url = postgres->url();
  SqlConnection(url).Execute("CREATE TABLE kept AS SELECT 42 AS answer; CHECKPOINT");
  enum class End { kFast, kImmediate, kNone, kKilled };
  for (const End end : {End::kFast, End::kImmediate, End::kNone, End::kKilled}) {
    const pid_t before = postgres->postmaster_pid();
    if (end == End::kFast) {
      ASSERT_THAT(postgres->Stop(EmbeddedPostgres::StopMode::kFast), IsOk());
    }
    if (end == End::kImmediate) {
      ASSERT_THAT(postgres->Stop(EmbeddedPostgres::StopMode::kImmediate), IsOk());
    }
    if (end == End::kKilled) kill(before, SIGKILL);
    ASSERT_THAT(postgres->Restart(), IsOk());
    guard_.Watch(postgres->postmaster_pid());
    EXPECT_NE(postgres->postmaster_pid(), before);
    EXPECT_EQ(SqlConnection(url).QueryValue("SELECT answer FROM kept"), "42");
  }
}

TEST_F(EmbeddedPostgresTest, StopIsIdempotentAndTellsThatItIsStopped) {
  auto postgres = Start(Options());
  ASSERT_NE(postgres, nullptr);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(postgres->Stop(EmbeddedPostgres::StopMode::kFast), IsOk());
    EXPECT_EQ(postgres->postmaster_pid(), 0);
  }
}

TEST_F(EmbeddedPostgresTest, SaysWhyTheServerDidNotStart) {
  auto started = EmbeddedPostgres::Start(Options({{"shared_buffers", "lots"}}));
  EXPECT_THAT(std::string(started.status().message()),
              ::testing::AllOf(HasSubstr("PostgreSQL did not start (FATAL:"),
                               HasSubstr((directory() / "postgres.log").string())));
  // A mended setting is all that it takes.
  EXPECT_NE(Start(Options()), nullptr);
}

TEST_F(EmbeddedPostgresTest, SaysWhichDirectoryItsUserCannotReach) {
  if (geteuid() != 0) return;  // A plain user runs the server as himself.
  chmod(temporary_.path().c_str(), 0700);
  auto started = EmbeddedPostgres::Start(Options());
  EXPECT_THAT(std::string(started.status().message()),
              ::testing::AllOf(HasSubstr("the user postgres cannot enter"),
                               HasSubstr("choose a directory that he can reach")));
}

TEST_F(EmbeddedPostgresTest, SaysThatTheDirectoryCannotBeMade) {
  EmbeddedPostgres::Options options = Options();
  options.directory = "/proc/nothing/here";
  EXPECT_THAT(std::string(EmbeddedPostgres::Start(options).status().message()),
              HasSubstr("cannot make the directory /proc/nothing/here"));
}

}  // namespace
}  // namespace auth::dev
