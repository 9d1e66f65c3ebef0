#include "server/dev/loopback_port.h"

#include <gtest/gtest.h>

#include <set>

namespace auth::dev {
namespace {

// Of 500 that are chosen blindly, some ten are chosen twice.
TEST(LoopbackPortTest, NobodyIsGivenAPortThatSomebodyHas) {
  std::set<int> ports;
  for (int i = 0; i < 500; ++i) {
    const absl::StatusOr<int> port = ChooseLoopbackPort();
    ASSERT_TRUE(port.ok()) << port.status();
    EXPECT_TRUE(LoopbackPortIsFree(*port));
    EXPECT_TRUE(ports.insert(*port).second) << *port;
  }
}

}  // namespace
}  // namespace auth::dev
