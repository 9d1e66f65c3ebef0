#include "server/dev/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "server/dev/postgres_install.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace auth::dev {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IsOk;

class ChildProcessTest : public ::testing::Test {
 protected:
  ChildProcessTest()
      : output_(open((directory_.path() / "output").c_str(),
                     O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}
  ~ChildProcessTest() override { close(output_); }

  ChildProcess::Options Command(std::vector<std::string> command) {
    return {.command = std::move(command),
            .working_directory = directory_.path(),
            .environment = {"GREETING=hello"},
            .user = std::nullopt,
            .output = output_};
  }

  std::string Output() const {
    std::ifstream in(directory_.path() / "output");
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

  testing::TemporaryDirectory directory_;
  const int output_;
};

TEST_F(ChildProcessTest, GetsItsEnvironmentDirectoryAndOutput) {
  auto child = ChildProcess::Spawn(
      Command({"/bin/sh", "-c", "echo $GREETING $HOME.; pwd; cat; echo done >&2; exit 3"}));
  ASSERT_THAT(child, IsOk());
  ASSERT_TRUE(child->WaitForExit(seconds(10)));
  ASSERT_TRUE(child->wait_status().has_value());
  EXPECT_EQ(WEXITSTATUS(*child->wait_status()), 3);
  EXPECT_EQ(Output(), "hello .\n" + directory_.path().string() + "\ndone\n");
}

TEST_F(ChildProcessTest, IsFreeOfOurDescriptorsSignalsAndSession) {
  const int leaked = open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  const auto previous = signal(SIGPIPE, SIG_IGN);
  auto child =
      ChildProcess::Spawn(Command({"/bin/sh", "-c",
                                   "ls /proc/$$/fd; grep -E 'Sig(Blk|Ign)' /proc/self/status; "
                                   "test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo leader"}));
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  signal(SIGPIPE, previous);
  close(leaked);
  ASSERT_THAT(child, IsOk());
  ASSERT_TRUE(child->WaitForExit(seconds(10)));
  EXPECT_EQ(Output(), "0\n1\n2\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nleader\n");
}

TEST_F(ChildProcessTest, SaysWhatCannotBeExecuted) {
  auto child = ChildProcess::Spawn(Command({"/nonexistent/postgres"}));
  EXPECT_EQ(child.status().message(),
            "cannot execute /nonexistent/postgres (No such file or directory)");
}

TEST_F(ChildProcessTest, SaysWhichDirectoryCannotBeEntered) {
  ChildProcess::Options options = Command({"/bin/true"});
  options.working_directory = "/nonexistent";
  auto child = ChildProcess::Spawn(options);
  EXPECT_EQ(child.status().message(),
            "the user this user cannot enter /nonexistent; choose a directory that he can reach "
            "(No such file or directory)");
}

TEST_F(ChildProcessTest, WaitsNoLongerThanAskedAndSignals) {
  auto child = ChildProcess::Spawn(Command({"/bin/sleep", "1000"}));
  ASSERT_THAT(child, IsOk());
  EXPECT_FALSE(child->WaitForExit(milliseconds(20)));
  child->Signal(SIGKILL);
  ASSERT_TRUE(child->WaitForExit(seconds(10)));
  EXPECT_EQ(WTERMSIG(*child->wait_status()), SIGKILL);
  // The number may belong to somebody else by now; the handle knows better.
  child->Signal(SIGKILL);
}

TEST_F(ChildProcessTest, AdoptsOnlyARunningProcess) {
  auto self = ChildProcess::Adopt(getpid());
  ASSERT_THAT(self, IsOk());
  EXPECT_FALSE(self->WaitForExit(milliseconds(1)));

  auto child = ChildProcess::Spawn(Command({"/bin/true"}));
  ASSERT_THAT(child, IsOk());
  ASSERT_TRUE(child->WaitForExit(seconds(10)));
  EXPECT_THAT(ChildProcess::Adopt(child->pid()), testing::StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ChildProcessTest, RunsAsTheGivenUser) {
  auto user = PostgresUser();
  ASSERT_THAT(user, IsOk());
  ChildProcess::Options options = Command({"/bin/sh", "-c", "id -u; id -G"});
  options.user = *user;
  auto child = ChildProcess::Spawn(options);
  ASSERT_THAT(child, IsOk());
  ASSERT_TRUE(child->WaitForExit(seconds(10)));
  if (*user) {
    EXPECT_EQ(Output(), std::to_string((*user)->uid) + "\n" + std::to_string((*user)->gid) + "\n");
  } else {
    EXPECT_EQ(Output().substr(0, Output().find('\n')), std::to_string(getuid()));
  }
}

}  // namespace
}  // namespace auth::dev
