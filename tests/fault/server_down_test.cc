// The database is away for ten seconds. Callers with time left wait through it.

#include <gtest/gtest.h>

#include "tests/support/eventually.h"
#include "tests/support/server/outage.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

TEST(ServerDown, TenSecondsWithoutAFailedCall) {
  ExpectNoCallFailsThrough(ShortOrLong(1, 10), [](TestPostgres* postgres, int /*round*/) {
    postgres->Stop();
    LetPass(std::chrono::seconds(10));
    postgres->Restart();
  });
}

}  // namespace
}  // namespace auth::testing
