#include "server/ops/log_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <thread>
#include <vector>

#include "pool/mutex.h"
#include "tests/support/eventually.h"

namespace auth::ops {
namespace {

// A sink that takes nothing until it is opened: a reader of stderr that hangs.
class StuckSink {
 public:
  LogWriter::Sink sink() {
    return [this](std::string_view line) {
      MutexLock lock(&mutex_);
      ++calls_;
      while (!open_) changed_.Wait(&mutex_);
      text_ += line;
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
  std::string text;
  {
    LogWriter writer([&](std::string_view line) { text += line; });
    for (int i = 0; i < 1000; ++i) writer.Write("line\n");
  }
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1000);
}

TEST(LogWriterTest, TheSinkReceivesLinesAsTheyAre) {
  const std::string lines[] = {"{} %v %s {0}\n", std::string(100'000, 'x') + "\n", "\0\x1b[1m\n"};
  std::vector<std::string> received;
  {
    LogWriter writer([&](std::string_view line) { received.emplace_back(line); });
    for (const std::string& line : lines) writer.Write(line);
  }
  EXPECT_THAT(received, ::testing::ElementsAreArray(lines));
}

TEST(LogWriterTest, LinesOfManyThreadsStayWholeAndInEachThreadsOrder) {
  std::string text;
  {
    LogWriter writer([&](std::string_view line) { text += line; });
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&writer, t] {
        for (int i = 0; i < 500; ++i) {
          writer.Write(std::to_string(t) + " " + std::to_string(i) + "\n");
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4000);
  std::vector<int> next(8, 0);
  std::istringstream lines(text);
  for (int thread = 0, number = 0; lines >> thread >> number;) {
    EXPECT_EQ(number, next.at(static_cast<std::size_t>(thread))++);
  }
}

TEST(LogWriterTest, AStuckReaderStallsNobodyAndWhatIsDroppedIsCounted) {
  StuckSink stuck;
  std::string expected = "first\n";
  {
    LogWriter writer(stuck.sink(), /*max_lines=*/10);
    writer.Write("first\n");
    ASSERT_TRUE(testing::Eventually([&] { return stuck.IsStuck(); }));
    for (int i = 0; i < 50; ++i) writer.Write(std::to_string(i) + "\n");
    EXPECT_EQ(writer.dropped(), 40) << "ten wait; the first is being written";
    for (int i = 40; i < 50; ++i) expected += std::to_string(i) + "\n";

    stuck.Open();
    EXPECT_TRUE(testing::Eventually([&] { return stuck.text() == expected; }))
        << "the newest are kept: " << stuck.text();
    writer.Write("again\n");
    EXPECT_EQ(writer.dropped(), 40) << "the writer recovers";
  }
  EXPECT_EQ(stuck.text(), expected + "again\n");
}

TEST(LogWriterTest, TheEndWaitsForASlowReader) {
  StuckSink stuck;
  std::thread opener;
  {
    LogWriter writer(stuck.sink(), /*max_lines=*/10);
    for (int i = 0; i < 5; ++i) writer.Write("line\n");
    opener = std::thread([&] {
      EXPECT_TRUE(testing::Eventually([&] { return stuck.IsStuck(); }));
      stuck.Open();
    });
  }
  EXPECT_EQ(stuck.text(), "line\nline\nline\nline\nline\n");
  opener.join();
}

TEST(LogWriterTest, WritesAllToANonBlockingPipe) {
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC), 0);
  constexpr std::size_t kLines = 1024;
  constexpr std::size_t kBytes = 1024 * kLines;  // far more than a pipe holds
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
    LogWriter writer(LogWriter::ToFileDescriptor(pipe_ends[1]));
    for (std::size_t i = 0; i < kLines; ++i) writer.Write(std::string(1023, 'x') + "\n");
  }
  reader.join();
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  EXPECT_EQ(read_back.size(), kBytes);
}

TEST(LogWriterTest, AClosedPipeEndsNeitherTheProcessNorTheWriter) {
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  close(pipe_ends[0]);
  {
    LogWriter writer(LogWriter::ToFileDescriptor(pipe_ends[1]));
    for (int i = 0; i < 3; ++i) writer.Write("nobody reads this\n");
  }
  close(pipe_ends[1]);
}

}  // namespace
}  // namespace auth::ops
