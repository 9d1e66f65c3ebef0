#include "server/ops/access_log.h"

#include <gtest/gtest.h>

#include "tests/unit/ops/log_capture.h"

namespace auth::ops {
namespace {

using std::chrono::microseconds;

CallRecord Record(std::string_view rpc, std::string_view code) {
  CallRecord record;
  record.rpc = rpc;
  record.code = code;
  return record;
}

TEST(AccessLogTest, OneLineForEachCall) {
  LogCapture log(LogLevel::kInfo, /*repeats_per_second=*/1);
  AccessLog access(log.logger());
  CallRecord record = Record("Register", "OK");
  record.duration = microseconds(12'345);
  record.queue_time = microseconds(345);
  record.hash_time = microseconds(9'000);
  record.store_time = microseconds(3'000);
  record.db_attempts = 2;
  record.caller = "spiffe://example.org/shop";
  record.peer = "ipv4:127.0.0.1:4711";
  record.request_id = "0190e0a0-0000-7000-8000-000000000000";
  record.trace.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  for (int i = 0; i < 5; ++i) access.OnCall(record);

  const auto lines = log.Lines();
  ASSERT_EQ(lines.size(), 5U) << "calls are never suppressed";
  auto line = lines[0];
  line.erase("time");
  EXPECT_EQ(line, nlohmann::json::parse(R"({
      "level": "info", "event": "call", "rpc": "Register", "code": "OK", "reason": "", "cause": "",
      "duration_ms": 12.345, "queue_ms": 0.345, "hash_ms": 9, "store_ms": 3,
      "db_attempts": 2, "peer": "ipv4:127.0.0.1:4711", "caller": "spiffe://example.org/shop",
      "request_id": "0190e0a0-0000-7000-8000-000000000000",
      "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"})"));
}

TEST(AccessLogTest, TheLevelTellsWhoseFaultItIs) {
  const std::pair<const char*, const char*> expected[] = {
      {"OK", "info"},        {"INVALID_ARGUMENT", "info"},  {"UNAUTHENTICATED", "info"},
      {"CANCELLED", "info"}, {"DEADLINE_EXCEEDED", "info"}, {"RESOURCE_EXHAUSTED", "info"},
      {"INTERNAL", "error"}, {"UNKNOWN", "error"},          {"UNAVAILABLE", "warning"}};
  for (const auto& [code, level] : expected) {
    LogCapture log;
    AccessLog(log.logger()).OnCall(Record("SignIn", code));
    EXPECT_EQ(log.Lines().at(0)["level"], level) << code;
  }
}

TEST(AccessLogTest, AnInternalErrorTellsItsCause) {
  LogCapture log;
  CallRecord record = Record("Register", "INTERNAL");
  record.cause = "std::bad_alloc";
  AccessLog(log.logger()).OnCall(record);
  EXPECT_EQ(log.Lines().at(0)["cause"], "std::bad_alloc");
}

TEST(AccessLogTest, WhatCallersSendAsIdsIsCut) {
  LogCapture log;
  CallRecord record = Record("Register", "INVALID_ARGUMENT");
  record.request_id = std::string(16'000, 'x');
  record.caller = std::string(16'000, 'y');
  AccessLog(log.logger()).OnCall(record);
  const auto line = log.Lines().at(0);
  EXPECT_EQ(line["request_id"], std::string(64, 'x'));
  EXPECT_EQ(line["caller"], std::string(256, 'y'));
}

}  // namespace
}  // namespace auth::ops
