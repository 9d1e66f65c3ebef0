#include "client/trace_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace auth::client {
namespace {

TEST(TraceContextTest, EveryTraceIsAnother) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string traceparent = NewTraceparent();
    EXPECT_THAT(traceparent, ::testing::MatchesRegex("00-[0-9a-f]{32}-[0-9a-f]{16}-00"));
    EXPECT_TRUE(ids.insert(TraceIdOf(traceparent)).second);
  }
}

TEST(TraceContextTest, TheTraceIdIsReadFromWhatIsWellFormedOnly) {
  const std::string id = "0af7651916cd43dd8448eb211c80319c";
  const std::string rest = "-b7ad6b7169203331-01";
  EXPECT_EQ(TraceIdOf("00-" + id + rest), id);
  EXPECT_EQ(TraceIdOf("cc-" + id + rest), id);            // of the future
  EXPECT_EQ(TraceIdOf("cc-" + id + rest + "-more"), id);  // and longer
  for (const std::string& wrong :
       {std::string(), std::string("nonsense"), "ff-" + id + rest, "00-" + id + rest + "-more",
        "00_" + id + rest, "00-" + std::string(32, '0') + rest, "00-" + id.substr(1) + rest,
        "00-" + std::string(32, 'A') + rest, "00-" + id + "-0000000000000000-01",
        "cc-" + id + rest + "-line\nbreak"}) {
    EXPECT_EQ(TraceIdOf(wrong), "") << wrong;
  }
}

}  // namespace
}  // namespace auth::client
