#include "server/rpc/memory_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace auth::rpc {
namespace {

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::time_t ModifiedAt(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0);
  return status.st_mtime;
}

size_t OpenDescriptors() {
  const auto all = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

TEST(MemoryFileTest, IsReadByItsPathAndReplaced) {
  MemoryFile file = MemoryFile::Create("one").value();
  const std::string path = file.path();
  EXPECT_EQ(Read(path), "one");
  ASSERT_TRUE(file.Replace("another").ok());
  EXPECT_EQ(file.path(), path);
  EXPECT_EQ(Read(path), "another");
  ASSERT_TRUE(file.Replace("").ok());
  EXPECT_EQ(Read(path), "");
}

TEST(MemoryFileTest, EachContentHasASecondOfItsOwn) {
  MemoryFile file = MemoryFile::Create("").value();
  std::time_t before = ModifiedAt(file.path());
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(file.Replace("").ok());
    EXPECT_GT(ModifiedAt(file.path()), before);
    before = ModifiedAt(file.path());
  }
}

TEST(MemoryFileTest, LeavesNoDescriptorBehind) {
  const size_t before = OpenDescriptors();
  {
    MemoryFile file = MemoryFile::Create("one").value();
    const MemoryFile moved = std::move(file);
    EXPECT_EQ(Read(moved.path()), "one");
    EXPECT_EQ(OpenDescriptors(), before + 1);
  }
  {
    MemoryFile file = MemoryFile::Create("one").value();
    ASSERT_TRUE(file.Replace("two").ok());
    EXPECT_EQ(OpenDescriptors(), before + 1);
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(MemoryFileTest, ReadersSeeOneContentOrTheOther) {
  const std::string a(100'000, 'a');
  const std::string b(50'000, 'b');
  MemoryFile file = MemoryFile::Create(a).value();
  std::atomic<bool> stop = false;
  std::thread reader([&, path = file.path()] {
    while (!stop) {
      const std::string content = Read(path);
      ASSERT_TRUE(content == a || content == b) << content.size();
    }
  });
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(file.Replace(i % 2 == 0 ? b : a).ok());
  stop = true;
  reader.join();
}

}  // namespace
}  // namespace auth::rpc
