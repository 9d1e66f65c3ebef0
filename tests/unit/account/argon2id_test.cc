#include "server/account/argon2id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "absl/strings/escaping.h"
#include "tests/support/status_matchers.h"

namespace auth::account {
namespace {

using auth::testing::IsOk;
using auth::testing::StatusIs;

std::string Hex(const Argon2Tag& tag) {
  return absl::BytesToHexString({reinterpret_cast<const char*>(tag.data()), tag.size()});
}

class Argon2idTest : public ::testing::Test {
 protected:
  HashArena arena_ = *HashArena::Map(size_t{2} << 20);
};

// RFC 9106, 5.3.
TEST_F(Argon2idTest, ComputesTheVectorOfTheRfc) {
  const std::string password(32, '\x01');
  const std::string salt(16, '\x02');
  const std::string secret(8, '\x03');
  const std::string associated_data(12, '\x04');
  const auto tag = Argon2id({.memory_kib = 32, .iterations = 3, .parallelism = 4},
                            {password, salt, secret, associated_data}, arena_);
  ASSERT_THAT(tag, IsOk());
  EXPECT_EQ(Hex(*tag), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
}

TEST_F(Argon2idTest, LeavesTheArenaWipedAndTheNextTagTheSame) {
  const Argon2Parameters parameters{.memory_kib = 256, .iterations = 1, .parallelism = 1};
  const Argon2Input input{"password", "0123456789abcdef", {}, {}};
  const auto first = Argon2id(parameters, input, arena_);
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(std::all_of(arena_.data(), arena_.data() + arena_.size(),
                          [](uint8_t byte) { return byte == 0; }));
  std::fill_n(arena_.data(), arena_.size(), uint8_t{0xa5});
  EXPECT_EQ(Argon2id(parameters, input, arena_), first);
}

TEST_F(Argon2idTest, RefusesAnArenaThatIsTooSmall) {
  EXPECT_THAT(Argon2id({.memory_kib = 4096, .iterations = 1, .parallelism = 1},
                       {"password", "0123456789abcdef", {}, {}}, arena_),
              StatusIs(absl::StatusCode::kInternal));
}

TEST_F(Argon2idTest, RefusesAShortSalt) {
  EXPECT_THAT(Argon2id({.memory_kib = 64, .iterations = 1, .parallelism = 1},
                       {"password", "salt", {}, {}}, arena_),
              StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace auth::account
