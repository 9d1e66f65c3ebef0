#include "tests/support/pipe.h"

#include <gtest/gtest.h>

#include <string>

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class PipeTest : public ::testing::Test {
 protected:
  // What arrives by `moment` if everything is read as it comes.
  std::string ReadUntil(Pipe::TimePoint moment) {
    std::string read;
    for (; pipe_.NextDue() <= moment && !pipe_.Due(pipe_.NextDue()).empty();) {
      now_ = pipe_.NextDue();
      const std::string due(pipe_.Due(now_));
      pipe_.Take(due.size(), now_);
      read += due;
      ++writes_;
    }
    return read;
  }

  const Pipe::TimePoint start_ = Pipe::TimePoint() + std::chrono::hours(1);
  Pipe::TimePoint now_ = start_;
  int writes_ = 0;
  TcpGate::Weather weather_;
  std::mt19937_64 random_{7};
  Pipe pipe_{&weather_, &random_};
};

TEST_F(PipeTest, PassesAtOnceByDefault) {
  EXPECT_EQ(pipe_.NextDue(), Pipe::TimePoint::max());
  pipe_.Push("hello", start_);
  EXPECT_EQ(pipe_.Due(start_), "hello");
  pipe_.Take(2, start_);
  EXPECT_EQ(pipe_.Due(start_), "llo");
}

TEST_F(PipeTest, LatencyDelaysEachPiece) {
  weather_.latency = milliseconds(200);
  pipe_.Push("a", start_);
  pipe_.Push("b", start_ + milliseconds(50));
  EXPECT_EQ(pipe_.Due(start_ + milliseconds(199)), "");
  EXPECT_EQ(ReadUntil(start_ + milliseconds(200)), "a");
  EXPECT_EQ(ReadUntil(start_ + milliseconds(250)), "b");
}

TEST_F(PipeTest, JitterIsBoundedAndKeepsTheOrder) {
  weather_.latency = milliseconds(200);
  weather_.jitter = milliseconds(100);
  std::string sent;
  for (char c = 'a'; c <= 'z'; ++c) {
    pipe_.Push(std::string(1, c), start_);
    sent += c;
  }
  EXPECT_EQ(ReadUntil(start_ + milliseconds(99)), "");
  EXPECT_EQ(ReadUntil(start_ + milliseconds(300)), sent);
}

TEST_F(PipeTest, ASlowLineTakesItsTime) {
  weather_.bytes_per_second = 1000;
  pipe_.Push(std::string(3000, 'x'), start_);
  EXPECT_NEAR(static_cast<double>(ReadUntil(start_ + seconds(1)).size()), 1000, 51);
  EXPECT_NEAR(static_cast<double>(ReadUntil(start_ + seconds(2)).size()), 1000, 51);
}

TEST_F(PipeTest, SlicesAreNoLargerThanAsked) {
  weather_.slice = 1;
  pipe_.Push("slice", start_);
  EXPECT_EQ(ReadUntil(start_), "slice");
  EXPECT_EQ(writes_, 5);
}

TEST_F(PipeTest, TheEndComesBehindTheLastByte) {
  weather_.latency = milliseconds(10);
  pipe_.Push("x", start_);
  pipe_.Close(Pipe::End::kFinished, start_);
  EXPECT_TRUE(pipe_.closed());
  EXPECT_EQ(pipe_.EndDue(start_), Pipe::End::kNone);
  EXPECT_EQ(pipe_.EndDue(start_ + milliseconds(10)), Pipe::End::kNone) << "a byte is before it";
  EXPECT_EQ(ReadUntil(start_ + milliseconds(10)), "x");
  EXPECT_EQ(pipe_.NextDue(), start_ + milliseconds(10));
  EXPECT_EQ(pipe_.EndDue(start_ + milliseconds(10)), Pipe::End::kFinished);
}

TEST(MostWithinTest, CountsTheFullestWindow) {
  const TcpGate::TimePoint start;
  const auto at = [&](int ms) { return start + milliseconds(ms); };
  EXPECT_EQ(MostWithin({}, seconds(1)), 0);
  EXPECT_EQ(MostWithin({at(0), at(1000)}, seconds(1)), 1);
  EXPECT_EQ(MostWithin({at(0), at(600), at(1100), at(1500), at(1599)}, seconds(1)), 4);
}

}  // namespace
}  // namespace auth::testing
