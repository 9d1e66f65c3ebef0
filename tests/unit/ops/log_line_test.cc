#include "server/ops/log_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace auth::ops {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr WallTime kTime(std::chrono::milliseconds(1'767'323'045'678));

std::string Format(LogFormat format, LogFields fields, std::int64_t suppressed = 0) {
  return FormatLogLine(format, {.time = kTime,
                                .level = LogLevel::kInfo,
                                .event = "ready",
                                .fields = fields,
                                .suppressed = suppressed});
}

TEST(LogLineTest, JsonKeepsTypesAndOrder) {
  EXPECT_EQ(Format(LogFormat::kJson,
                   {{"grpc", "127.0.0.1:1"}, {"count", 3}, {"ms", 1.5}, {"tls", true}}, 7),
            "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"info\",\"event\":\"ready\","
            "\"grpc\":\"127.0.0.1:1\",\"count\":3,\"ms\":1.5,\"tls\":true,\"suppressed\":7}\n");
}

TEST(LogLineTest, TextIsForPeople) {
  EXPECT_EQ(
      Format(LogFormat::kText, {{"grpc", "127.0.0.1:1"}, {"why", "two words"}, {"none", ""}}),
      "2026-01-02T03:04:05.678Z INFO    ready grpc=127.0.0.1:1 why=\"two words\" none=\"\"\n");
  EXPECT_EQ(Format(LogFormat::kText, {{"message", "Ready to \"serve\""}, {"ms", 2}}, 1),
            "2026-01-02T03:04:05.678Z INFO    Ready to \"serve\" ms=2 suppressed=1\n");
}

TEST(LogLineTest, ALineOfACallTellsWhich) {
  const LogScope scope("order-42", "");
  const LogEvent event = {.time = kTime,
                          .level = LogLevel::kInfo,
                          .event = "e",
                          .fields = {},
                          .scope = &scope,
                          .suppressed = 2};
  EXPECT_EQ(FormatLogLine(LogFormat::kJson, event),
            "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"info\",\"event\":\"e\","
            "\"request_id\":\"order-42\",\"trace_id\":\"\",\"suppressed\":2}\n");
  EXPECT_EQ(FormatLogLine(LogFormat::kText, event),
            "2026-01-02T03:04:05.678Z INFO    e request_id=order-42 trace_id=\"\" suppressed=2\n");
}

TEST(LogLineTest, NumbersThatJsonDoesNotHaveAreNull) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(Format(LogFormat::kJson, {{"x", nan}}), HasSubstr("\"x\":null"));
}

TEST(LogLineTest, ForgedLinesAndTerminalEscapesDoNotGetThrough) {
  const std::string hostile =
      "a\nERROR forged\r\x1b[2J\x7f\x9b\xc2\x9b" + std::string(1, '\0') + "\"}\\";
  for (const LogFormat format : {LogFormat::kJson, LogFormat::kText}) {
    const std::string line = Format(format, {{"message", hostile}, {"value", hostile}});
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    for (const char c : {'\r', '\x1b', '\x7f', '\0'}) EXPECT_EQ(line.find(c), std::string::npos);
    EXPECT_THAT(line, Not(HasSubstr("\xc2\x9b")));
  }
}

// Whatever bytes come, a line is one JSON object that says the same.
TEST(LogLineTest, RandomBytesStayOneJsonObject) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::string value(random() % 40, '\0');
    for (char& c : value) c = static_cast<char>(random());
    const std::string line = Format(LogFormat::kJson, {{"value", value}});
    ASSERT_EQ(line.find('\n'), line.size() - 1);
    const auto parsed = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(parsed.is_object()) << line;
    ASSERT_EQ(parsed["event"], "ready");
    ASSERT_EQ(Format(LogFormat::kText, {{"value", value}, {"message", value}}).find('\n'),
              Format(LogFormat::kText, {{"value", value}, {"message", value}}).size() - 1);
  }
}

TEST(LogLineTest, TextOfOtherScriptsSurvives) {
  const auto parsed = nlohmann::json::parse(Format(LogFormat::kJson, {{"value", "Grüße, 世界"}}));
  EXPECT_EQ(parsed["value"], "Grüße, 世界");
  EXPECT_THAT(Format(LogFormat::kText, {{"message", "Grüße, 世界"}}), HasSubstr("Grüße, 世界"));
}

}  // namespace
}  // namespace auth::ops
