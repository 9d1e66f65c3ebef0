#include "client/request_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace auth::client {
namespace {

TEST(RequestIdTest, IsAVersion7UuidOfNow) {
  const auto milliseconds = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const auto before = milliseconds();
  const std::string id = NewRequestId();
  const auto after = milliseconds();
  EXPECT_THAT(id, ::testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-"
                                          "[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  const auto time = std::stoll(id.substr(0, 8) + id.substr(9, 4), nullptr, 16);
  EXPECT_GE(time, before);
  EXPECT_LE(time, after);
}

TEST(RequestIdTest, NoTwoAreEqual) {
  constexpr size_t kIds = 10'000;  // many in one millisecond
  std::set<std::string> ids;
  while (ids.size() < kIds && ids.insert(NewRequestId()).second) {
  }
  EXPECT_EQ(ids.size(), kIds);
}

}  // namespace
}  // namespace auth::client
