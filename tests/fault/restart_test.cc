// The database restarts, in both of pg_ctl's ways.

#include <gtest/gtest.h>

#include "tests/support/eventually.h"
#include "tests/support/server/outage.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::seconds;
using StopMode = dev::EmbeddedPostgres::StopMode;

class Restart : public ::testing::TestWithParam<StopMode> {};

TEST_P(Restart, NoCallFailsAndTheReturnIsNoticed) {
  ExpectNoCallFailsThrough(ShortOrLong(2, 30), [](TestPostgres* postgres, int round) {
    postgres->Stop(GetParam());
    if (round % 2 == 1) LetPass(seconds(3));  // long enough for many connects
    postgres->Restart();
  });
}

INSTANTIATE_TEST_SUITE_P(Postgres, Restart,
                         ::testing::Values(StopMode::kFast, StopMode::kImmediate),
                         [](const ::testing::TestParamInfo<StopMode>& mode) {
                           return mode.param == StopMode::kFast ? "Fast" : "Immediate";
                         });

}  // namespace
}  // namespace auth::testing
