#include "server/config/cgroup.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "server/config.h"
#include "tests/support/temporary_directory.h"

namespace auth::server {
namespace {

class CgroupTest : public ::testing::Test {
 protected:
  void Write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((root_.path() / file).parent_path());
    root_.Write(file, text);
  }
  CgroupLimits Read() { return ReadCgroupLimits(root_.path() / "self", root_.path() / "sys"); }

  const auth::testing::TemporaryDirectory root_;
};

TEST_F(CgroupTest, Version2InAContainer) {
  Write("self", "0::/\n");
  Write("sys/cpu.max", "250000 100000\n");
  Write("sys/memory.max", "536870912\n");
  EXPECT_EQ(Read().cpus, 2.5);
  EXPECT_EQ(Read().memory_bytes, 536870912);
}

TEST_F(CgroupTest, Version2TakesTheStrictestOfTheParents) {
  Write("self", "0::/kube/pod/container\n");
  Write("sys/kube/pod/container/cpu.max", "max 100000\n");
  Write("sys/kube/pod/container/memory.max", "2000\n");
  Write("sys/kube/pod/cpu.max", "400000 100000\n");
  Write("sys/kube/pod/memory.max", "1000\n");
  Write("sys/kube/cpu.max", "800000 100000\n");
  Write("sys/kube/memory.max", "max\n");
  EXPECT_EQ(Read().cpus, 4);
  EXPECT_EQ(Read().memory_bytes, 1000);
}

TEST_F(CgroupTest, Version2WithAPathThatIsTheHosts) {
  Write("self", "0::/system.slice/docker-1234.scope\n");
  Write("sys/cpu.max", "100000 100000\n");
  EXPECT_EQ(Read().cpus, 1);
}

TEST_F(CgroupTest, Version1) {
  Write("self", "4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n");
  Write("sys/cpu/docker/1/cpu.cfs_quota_us", "150000\n");
  Write("sys/cpu/docker/1/cpu.cfs_period_us", "100000\n");
  Write("sys/memory/docker/1/memory.limit_in_bytes", "1073741824\n");
  EXPECT_EQ(Read().cpus, 1.5);
  EXPECT_EQ(Read().memory_bytes, 1073741824);
}

TEST_F(CgroupTest, WithoutLimits) {
  EXPECT_EQ(Read().cpus, std::nullopt) << "no cgroup file";
  Write("self", "0::/\ngarbage\n4:memory:/\n3:cpu:/\n");
  Write("sys/cpu.max", "max 100000\n");
  Write("sys/memory.max", "max\n");
  Write("sys/cpu/cpu.cfs_quota_us", "-1\n");
  Write("sys/cpu/cpu.cfs_period_us", "100000\n");
  Write("sys/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(Read().cpus, std::nullopt);
  EXPECT_EQ(Read().memory_bytes, std::nullopt);
}

TEST(MachineTest, DetectsThisOne) {
  const Machine machine = Machine::Detect();
  EXPECT_GE(machine.cpus, 1);
  ASSERT_TRUE(machine.memory_bytes);
  EXPECT_GT(*machine.memory_bytes, 64 << 20);
}

}  // namespace
}  // namespace auth::server
