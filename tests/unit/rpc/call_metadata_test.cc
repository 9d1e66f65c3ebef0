#include "server/rpc/call_metadata.h"

#include <gtest/gtest.h>

namespace auth::rpc {
namespace {

TEST(CallMetadataTest, RequestIdsThatCouldForgeLogLinesAreNotTaken) {
  EXPECT_TRUE(IsSaneRequestId("01890a5d-ac96-774b-bcce-b302099a8057"));
  EXPECT_TRUE(IsSaneRequestId("a_B.9"));
  EXPECT_TRUE(IsSaneRequestId(std::string(128, 'x')));
  EXPECT_FALSE(IsSaneRequestId(std::string(129, 'x')));
  EXPECT_FALSE(IsSaneRequestId(""));
  EXPECT_FALSE(IsSaneRequestId("a b"));
  EXPECT_FALSE(IsSaneRequestId("a\nb"));
  EXPECT_FALSE(IsSaneRequestId("a\"b"));
  EXPECT_FALSE(IsSaneRequestId("ä"));
  EXPECT_FALSE(IsSaneRequestId(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace auth::rpc
