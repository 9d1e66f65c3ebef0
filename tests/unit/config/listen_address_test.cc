#include "server/listen_address.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace auth::server {
namespace {

TEST(ListenAddressTest, ReadsWhatItWrites) {
  for (const char* text : {"127.0.0.1:50051", "0.0.0.0:0", "localhost:65535", "[::1]:50051",
                           "[::]:1", "auth.example.com:443"}) {
    const auto address = ListenAddress::Parse(text);
    ASSERT_THAT(address, auth::testing::IsOk()) << text;
    EXPECT_EQ(address->ToString(), text);
  }
  EXPECT_EQ(ListenAddress::Parse("[::1]:50051")->host, "::1");
}

TEST(ListenAddressTest, RefusesTheRest) {
  for (const char* text :
       {"", ":", "50051", ":50051", "localhost", "localhost:", "localhost:65536", "localhost:-1",
        "localhost:+1", "localhost: 1", "localhost:http", "::1:50051", "[::1]", "[]:1", "[::1:1",
        "[[::1]]:1", "[localhost]:1", "a b:1", "localhost:99999999999999999999"}) {
    EXPECT_THAT(ListenAddress::Parse(text),
                auth::testing::StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(ListenAddressTest, KnowsWhoCanConnect) {
  const auto loopback = [](const char* text) { return ListenAddress::Parse(text)->IsLoopback(); };
  EXPECT_TRUE(loopback("127.0.0.1:1"));
  EXPECT_TRUE(loopback("127.1.2.3:1"));
  EXPECT_TRUE(loopback("[::1]:1"));
  EXPECT_TRUE(loopback("localhost:1"));
  EXPECT_FALSE(loopback("0.0.0.0:1"));
  EXPECT_FALSE(loopback("[::]:1"));
  EXPECT_FALSE(loopback("10.0.0.1:1"));
  EXPECT_FALSE(loopback("127.0.0.1.example.com:1")) << "a name that only begins like the address";
  EXPECT_FALSE(loopback("localhost.example.com:1"));
}

TEST(ListenAddressTest, DialsWhereItListens) {
  const auto dial = [](const char* text) { return ListenAddress::Parse(text)->DialHost(); };
  EXPECT_EQ(dial("0.0.0.0:1"), "127.0.0.1");
  EXPECT_EQ(dial("[::]:1"), "::1");
  EXPECT_EQ(dial("192.0.2.1:1"), "192.0.2.1");
}

}  // namespace
}  // namespace auth::server
