#include "server/account/hash_arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "tests/support/status_matchers.h"

namespace auth::account {
namespace {

using auth::testing::IsOk;
using auth::testing::StatusIs;

TEST(HashArenaTest, StartsAtAHugePageAndHoldsWhatWasAskedFor) {
  for (const size_t size : {size_t{1}, size_t{19456} << 10, size_t{47104} << 10}) {
    const auto arena = HashArena::Map(size);
    ASSERT_THAT(arena, IsOk());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(arena->data()) % (size_t{2} << 20), 0u);
    EXPECT_GE(arena->size(), size);
    EXPECT_LT(arena->size(), size + (size_t{2} << 20));
    arena->data()[arena->size() - 1] = 1;
  }
}

TEST(HashArenaTest, MoveHandsTheMappingOver) {
  HashArena first = *HashArena::Map(1);
  uint8_t* const data = first.data();
  HashArena second = std::move(first);
  EXPECT_EQ(second.data(), data);
  HashArena third = *HashArena::Map(1);
  third = std::move(second);
  EXPECT_EQ(third.data(), data);
  third.data()[0] = 1;
}

TEST(HashArenaTest, MoreThanThereIsIsAStatus) {
  EXPECT_THAT(HashArena::Map(size_t{1} << 60), StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace auth::account
