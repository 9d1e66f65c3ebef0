#include "server/ops/log_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "pool/mutex.h"
#include "tests/support/eventually.h"

namespace auth::ops {
namespace {

using std::chrono::seconds;

// A sink that takes nothing until it is opened: a reader of stderr that hangs.
class StuckSink {
 public:
  LogWriter::Sink sink() {
    return [this](std::string_view lines) {
      MutexLock lock(&mutex_);
      ++calls_;
      while (!open_) changed_.Wait(&mutex_);
      text_ += lines;
    };
  }
  void Open() {
    MutexLock lock(&mutex_);
    open_ = true;
    changed_.NotifyAll();
  }
  bool IsStuck() {
    MutexLock lock(&mutex_);
    return calls_ > 0 && !open_;
  }
  std::string text() {
    MutexLock lock(&mutex_);
    return text_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string text_ ABSL_GUARDED_BY(mutex_);
};

TEST(LogWriterTest, LosesNothingAtTheEnd) {
  RealClock clock;
  std::string text;
  {
    LogWriter writer([&](std::string_view lines) { text += lines; }, &clock);
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(writer.Write("line\n"));
  }
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1000);
}

TEST(LogWriterTest, LinesOfManyThreadsStayWholeAndInEachThreadsOrder) {
  RealClock clock;
  std::string text;
  {
    LogWriter writer([&](std::string_view lines) { text += lines; }, &clock);
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&writer, t] {
        for (int i = 0; i < 500; ++i) {
          writer.Write(std::to_string(t) + " " + std::to_string(i) + "\n");
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(writer.Flush(clock.Monotonic() + seconds(10)));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4000);
  }
  std::vector<int> next(8, 0);
  std::istringstream lines(text);
  for (int thread = 0, number = 0; lines >> thread >> number;) {
    EXPECT_EQ(number, next.at(static_cast<std::size_t>(thread))++);
  }
}

TEST(LogWriterTest, AStuckReaderStallsNobodyAndWhatIsDroppedIsCounted) {
  RealClock clock;
  StuckSink stuck;
  {
    LogWriter writer(stuck.sink(), &clock, /*max_bytes=*/100);
    EXPECT_TRUE(writer.Write("first----\n"));
    ASSERT_TRUE(testing::Eventually([&] { return stuck.IsStuck(); }));
    int taken = 1;
    for (int i = 0; i < 50; ++i) taken += writer.Write("123456789\n") ? 1 : 0;
    EXPECT_EQ(taken, 10) << "100 bytes, those being written included";
    EXPECT_EQ(writer.dropped(), 41);
    EXPECT_FALSE(writer.Flush(clock.Monotonic() + std::chrono::milliseconds(20)));

    stuck.Open();
    EXPECT_TRUE(writer.Flush(clock.Monotonic() + seconds(10)));
    EXPECT_TRUE(writer.Write("again----\n")) << "the writer recovers";
  }
  EXPECT_EQ(stuck.text().size(), 110U);
}

TEST(LogWriterTest, WritesAllToANonBlockingPipe) {
  RealClock clock;
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC), 0);
  constexpr std::size_t kBytes = 1 << 20;  // far more than a pipe holds
  std::string read_back;
  std::thread reader([&] {
    char buffer[4096];
    ASSERT_TRUE(testing::Eventually([&] {
      ssize_t got = 0;
      while ((got = read(pipe_ends[0], buffer, sizeof buffer)) > 0) {
        read_back.append(buffer, static_cast<std::size_t>(got));
      }
      return read_back.size() >= kBytes;
    }));
  });
  {
    LogWriter writer(LogWriter::ToFileDescriptor(pipe_ends[1]), &clock);
    for (std::size_t i = 0; i < kBytes / 64; ++i) writer.Write(std::string(63, 'x') + "\n");
  }
  reader.join();
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  EXPECT_EQ(read_back.size(), kBytes);
}

TEST(LogWriterTest, AClosedPipeEndsNeitherTheProcessNorTheWriter) {
  RealClock clock;
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  close(pipe_ends[0]);
  {
    LogWriter writer(LogWriter::ToFileDescriptor(pipe_ends[1]), &clock);
    writer.Write("nobody reads this\n");
    EXPECT_TRUE(writer.Flush(clock.Monotonic() + seconds(10)));
  }
  close(pipe_ends[1]);
}

}  // namespace
}  // namespace auth::ops
