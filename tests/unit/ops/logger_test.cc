#include "server/ops/logger.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "server/ops/log_scope.h"
#include "tests/unit/ops/log_capture.h"

namespace auth::ops {
namespace {

TEST(LoggerTest, WritesFromItsLevelUpwards) {
  LogCapture log(LogLevel::kWarning);
  log.logger()->Debug("a");
  log.logger()->Info("b");
  log.logger()->Warning("c");
  log.logger()->Error("d", {{"code", 7}});
  EXPECT_FALSE(log.logger()->Enabled(LogLevel::kInfo));
  EXPECT_TRUE(log.logger()->Enabled(LogLevel::kWarning));
  const auto lines = log.Lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["level"], "warning");
  EXPECT_EQ(lines[1]["level"], "error");
  EXPECT_EQ(lines[1]["event"], "d");
  EXPECT_EQ(lines[1]["code"], 7);
  EXPECT_EQ(lines[1]["time"], "2023-11-14T22:13:20.000Z");
}

TEST(LoggerTest, SuppressesRepeatsButNotEachCall) {
  LogCapture log(LogLevel::kDebug, /*repeats_per_second=*/3);
  for (int i = 0; i < 10; ++i) log.logger()->Warning("storm");
  for (int i = 0; i < 10; ++i) log.logger()->LogEach(LogLevel::kInfo, "call", {});
  log.clock().Advance(std::chrono::seconds(1));
  log.logger()->Warning("storm");
  const auto lines = log.Lines();
  ASSERT_EQ(lines.size(), 3U + 10U + 1U);
  EXPECT_FALSE(lines[0].contains("suppressed"));
  EXPECT_EQ(lines.back()["suppressed"], 7);
}

TEST(LoggerTest, WhatAThreadLogsInAScopeTellsOfWhichCallItIs) {
  LogCapture log;
  const std::string long_id(1000, 'x');
  {
    const LogScope outer("request-1", "trace-1");
    log.logger()->Info("mine");
    std::thread([&] { log.logger()->Info("another thread's"); }).join();
    {
      const LogScope inner(long_id, "trace-2");
      log.logger()->LogEach(LogLevel::kInfo, "inner", {});
    }
    log.logger()->Info("mine again");
  }
  log.logger()->Info("nobody's");
  const auto lines = log.Lines();
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0]["request_id"], "request-1");
  EXPECT_EQ(lines[0]["trace_id"], "trace-1");
  EXPECT_FALSE(lines[1].contains("request_id"));
  EXPECT_EQ(lines[2]["request_id"], std::string(64, 'x'));
  EXPECT_EQ(lines[2]["trace_id"], "trace-2");
  EXPECT_EQ(lines[3]["request_id"], "request-1");
  EXPECT_FALSE(lines[4].contains("trace_id"));
}

TEST(LoggerTest, LinesOfManyThreadsAreAllThere) {
  LogCapture log;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([logger = log.logger(), t] {
      for (int i = 0; i < 200; ++i) logger->Info("tick", {{"thread", t}, {"text", "line\nbreak"}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(log.Lines().size(), 1600U);
}

}  // namespace
}  // namespace auth::ops
