#include "server/rpc/contract_names.h"

#include <gmock/gmock.h>

namespace auth::rpc {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(ContractNamesTest, NamesAreThoseOfTheContract) {
  EXPECT_THAT(RpcNames(), ElementsAre("Register", "SignIn", "ValidateSession", "SignOut", "GetUser",
                                      "GetPoolStatus", "WatchPoolStatus", "RecreatePool"));
  EXPECT_THAT(ReasonNames(), Contains("EMAIL_ALREADY_REGISTERED"));
  EXPECT_THAT(ReasonNames(), Contains("CANCELLED")) << "recorded, though no caller is told";
  EXPECT_THAT(ReasonNames(), SizeIs(14));
}

}  // namespace
}  // namespace auth::rpc
