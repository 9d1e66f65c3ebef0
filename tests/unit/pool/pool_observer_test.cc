#include "pool/pool_observer.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace auth::pool {
namespace {

// Names are labels of metrics: each value needs its own.
template <typename Enum>
void ExpectDistinctNames(Enum last) {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    names.insert(std::string(Name(static_cast<Enum>(i))));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(last) + 1);
  EXPECT_EQ(names.count("unknown"), 0u);
}

TEST(PoolObserverTest, EveryValueHasItsOwnName) {
  ExpectDistinctNames(RetireReason::kDrained);
  ExpectDistinctNames(RecreateReason::kRequested);
  ExpectDistinctNames(AcquireResult::kShutDown);
  ExpectDistinctNames(ValidationTier::kPing);
  ExpectDistinctNames(BreakerState::kHalfOpen);
}

}  // namespace
}  // namespace auth::pool
