// SIGKILL takes the postmaster, as the kernel does when memory runs out. PostgreSQL recovers from
// its log.

#include <gtest/gtest.h>

#include "tests/support/server/outage.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

TEST(PostmasterKill, NoCallFailsAndNothingIsLost) {
  ExpectNoCallFailsThrough(ShortOrLong(5, 50), [](TestPostgres* postgres, int /*round*/) {
    postgres->Crash();
    postgres->Restart();
  });
}

}  // namespace
}  // namespace auth::testing
