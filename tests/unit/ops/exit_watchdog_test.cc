#include "server/ops/exit_watchdog.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace auth::ops {
namespace {

TEST(ExitWatchdogDeathTest, EndsAProcessThatHangs) {
  EXPECT_EXIT(
      {
        ArmExitWatchdog(std::chrono::milliseconds(1));
        for (;;) pause();
      },
      ::testing::ExitedWithCode(1), "the stop took too long");
}

TEST(ExitWatchdogDeathTest, IsNotHeldUpByAReaderWhoHasStopped) {
  EXPECT_EXIT(
      {
        int ends[2] = {};
        if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0) _exit(2);
        // Whole pages, so that nothing is left that one more line would fit into.
        const std::string page(4096, '.');
        for (int written = 0; written < 16; ++written) {
          if (write(ends[1], page.data(), page.size()) < 0) _exit(3);
        }
        ArmExitWatchdog(std::chrono::milliseconds(1));
        for (;;) pause();
      },
      ::testing::ExitedWithCode(1), "");
}

}  // namespace
}  // namespace auth::ops
