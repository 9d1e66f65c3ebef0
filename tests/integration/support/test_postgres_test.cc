#include "tests/support/test_postgres.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <future>

#include "tests/support/eventually.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using TestPostgresTest = PostgresTest;

TEST_F(TestPostgresTest, GivesEachTestADatabaseOfItsOwn) {
  SqlConnection first(postgres().CreateDatabase());
  SqlConnection second(postgres().CreateDatabase());
  first.Execute("CREATE TABLE t ()");
  EXPECT_EQ(second.QueryValue("SELECT count(*) FROM pg_tables WHERE tablename = 't'"), "0");
}

TEST_F(TestPostgresTest, KillsAllBackendsButItsOwn) {
  SqlConnection first(postgres().CreateDatabase());
  SqlConnection second(postgres().url());
  const std::string pid = first.QueryValue("SELECT pg_backend_pid()");
  second.Execute("SELECT 1");
  EXPECT_EQ(postgres().BackendPids().size(), 2u);
  EXPECT_EQ(postgres().KillBackends(), 2);
  EXPECT_TRUE(Eventually([&] { return postgres().BackendPids().empty(); }));
  EXPECT_NE(first.QueryValue("SELECT pg_backend_pid()"), pid);
}

TEST_F(TestPostgresTest, CountsTheStatementsOfOneDatabase) {
  const std::string url = postgres().CreateDatabase();
  SqlConnection connection(url);
  const int64_t before = postgres().StatementCount(url);
  connection.Execute("SELECT 1");
  connection.Execute("BEGIN");
  connection.Execute("ROLLBACK");
  postgres().Execute("SELECT 1");
  EXPECT_EQ(postgres().StatementCount(url) - before, 3);
}

TEST_F(TestPostgresTest, FrozenBackendAnswersAfterTheThaw) {
  SqlConnection connection(postgres().url());
  const pid_t pid = std::stoi(connection.QueryValue("SELECT pg_backend_pid()"));
  std::future<std::string> answer;
  {
    const FrozenProcess frozen = postgres().Freeze(pid);
    answer = std::async(std::launch::async, [&] { return connection.QueryValue("SELECT 7"); });
    EXPECT_EQ(answer.wait_for(milliseconds(100)), std::future_status::timeout);
  }
  EXPECT_EQ(answer.get(), "7");
}

TEST_F(TestPostgresTest, ComesBackAfterACrash) {
  postgres().Crash();
  postgres().Restart();
  EXPECT_EQ(postgres().QueryValue("SELECT 1"), "1");
}

TEST(TestPostgresCrashTest, NothingIsLeftRunningByATestThatCrashes) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t test = fork();
  if (test == 0) {
    const TestPostgres postgres;
    const pid_t server = postgres.postmaster_pid();
    if (write(ends[1], &server, sizeof server) < 0) _exit(1);
    pause();
  }
  pid_t server = 0;
  ASSERT_EQ(read(ends[0], &server, sizeof server), static_cast<ssize_t>(sizeof server));
  const std::string proc = "/proc/" + std::to_string(server);
  const std::filesystem::path data = std::filesystem::read_symlink(proc + "/cwd");
  std::string sockets;
  std::ifstream(data.parent_path() / "socket") >> sockets;
  close(ends[0]);
  close(ends[1]);
  ASSERT_EQ(kill(server, 0), 0);
  kill(test, SIGKILL);
  waitpid(test, nullptr, 0);
  EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists(data); }, seconds(30)));
  EXPECT_TRUE(Eventually([&] { return kill(server, 0) != 0; }, seconds(30)));
  std::filesystem::remove_all(sockets);
}

}  // namespace
}  // namespace auth::testing
