#include "server/ops/trace_context.h"

#include <gtest/gtest.h>

#include <string>

namespace auth::ops {
namespace {

const char kId[] = "4bf92f3577b34da6a3ce929d0e0e4736";

std::string WithFlags(const std::string& flags) {
  return std::string("00-") + kId + "-00f067aa0ba902b7-" + flags;
}

TEST(TraceContextTest, OfAWellFormedTraceparent) {
  const TraceContext trace = ParseTraceParent(WithFlags("01"));
  EXPECT_EQ(trace.trace_id, kId);
  EXPECT_EQ(trace.parent_id, "00f067aa0ba902b7");
  EXPECT_TRUE(trace.sampled);
  EXPECT_EQ(ParseTraceParent(std::string("cc-") + kId + "-00f067aa0ba902b7-01-more").trace_id, kId)
      << "a later version";
}

TEST(TraceContextTest, SampledIsTheLowestBit) {
  for (const char* flags : {"01", "03", "ff", "0b", "0f", "09"}) {
    EXPECT_TRUE(ParseTraceParent(WithFlags(flags)).sampled) << flags;
  }
  for (const char* flags : {"00", "02", "fe", "0a", "10", "08"}) {
    EXPECT_FALSE(ParseTraceParent(WithFlags(flags)).sampled) << flags;
  }
}

TEST(TraceContextTest, NothingOfAnythingElse) {
  for (const char* text : {
           "",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
           "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
           "00+4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736+00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7+01",
       }) {
    const TraceContext trace = ParseTraceParent(text);
    EXPECT_EQ(trace.trace_id, "") << text;
    EXPECT_EQ(trace.parent_id, "") << text;
    EXPECT_FALSE(trace.sampled) << text;
  }
}

}  // namespace
}  // namespace auth::ops
