#include "server/account/argon2_hasher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "server/account/phc_string.h"
#include "tests/support/status_matchers.h"

namespace auth::account {
namespace {

using auth::testing::IsOk;
using auth::testing::StatusIs;

constexpr Argon2Parameters kTiny{.memory_kib = 64, .iterations = 1, .parallelism = 1};

std::unique_ptr<Argon2Hasher> MakeHasher(const Argon2Parameters& parameters, int arenas = 1) {
  return *Argon2Hasher::Create({.parameters = parameters, .arenas = arenas, .allow_weak = true});
}

TEST(Argon2HasherTest, DefaultsAreOwaspsFloor) {
  const auto hasher = Argon2Hasher::Create({});
  ASSERT_THAT(hasher, IsOk());
  const auto stored = (*hasher)->Hash("SecurePass123");
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->substr(0, 31), "$argon2id$v=19$m=19456,t=2,p=1$");
  const auto phc = PhcString::Parse(*stored);
  ASSERT_TRUE(phc.has_value());
  EXPECT_EQ(phc->salt.size(), 16u);
  EXPECT_EQ((*hasher)->Verify("SecurePass123", *stored), absl::StatusOr<bool>(true));
  EXPECT_EQ((*hasher)->Verify("SecurePass124", *stored), absl::StatusOr<bool>(false));
  EXPECT_FALSE((*hasher)->NeedsRehash(*stored));
}

// The vectors of the reference implementation's own tests.
TEST(Argon2HasherTest, VerifiesWhatTheReferenceToolMade) {
  const auto hasher = MakeHasher({.memory_kib = 256, .iterations = 2, .parallelism = 1});
  for (const std::string_view stored :
       {"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"}) {
    EXPECT_EQ(hasher->Verify("password", stored), absl::StatusOr<bool>(true)) << stored;
    EXPECT_EQ(hasher->Verify("Password", stored), absl::StatusOr<bool>(false)) << stored;
  }
}

TEST(Argon2HasherTest, AHashLargerThanTheArenaIsVerifiedToo) {
  const auto hasher = MakeHasher(kTiny);
  const std::string_view stored =
      "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  EXPECT_EQ(hasher->Verify("password", stored), absl::StatusOr<bool>(true));
}

TEST(Argon2HasherTest, SaltsAreDistinct) {
  const auto hasher = MakeHasher(kTiny);
  std::set<std::string> salts;
  std::set<std::string> hashes;
  for (int i = 0; i < 1000; ++i) {
    const auto stored = hasher->Hash("the same password");
    ASSERT_THAT(stored, IsOk());
    const auto phc = PhcString::Parse(*stored);
    ASSERT_TRUE(phc.has_value());
    salts.insert(phc->salt);
    hashes.insert(*stored);
  }
  EXPECT_EQ(salts.size(), 1000u);
  EXPECT_EQ(hashes.size(), 1000u);
}

TEST(Argon2HasherTest, HostileStoredHashesCostNoComputation) {
  const auto hasher = MakeHasher(kTiny);
  for (const std::string_view stored :
       {"",
        "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/"
        "4",
        "$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=4294967295,p=1$c29tZXNhbHQ$nf65EOgLrQMR/"
        "uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=1,p=16777215$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/"
        "4",
        "$2b$12$abcdefghijklmnopqrstuuWSyz0123456789abcdefghijklmnopqr"}) {
    EXPECT_THAT(hasher->Verify("password", stored), StatusIs(absl::StatusCode::kInvalidArgument))
        << stored;
    EXPECT_FALSE(hasher->NeedsRehash(stored)) << stored;
  }
  EXPECT_EQ(hasher->computations(), 0);
}

TEST(Argon2HasherTest, LowerParametersNeedARehash) {
  const auto stored =
      *MakeHasher({.memory_kib = 256, .iterations = 2, .parallelism = 1})->Hash("x");
  EXPECT_TRUE(
      MakeHasher({.memory_kib = 512, .iterations = 2, .parallelism = 1})->NeedsRehash(stored));
  EXPECT_TRUE(
      MakeHasher({.memory_kib = 256, .iterations = 3, .parallelism = 1})->NeedsRehash(stored));
  EXPECT_FALSE(
      MakeHasher({.memory_kib = 256, .iterations = 2, .parallelism = 1})->NeedsRehash(stored));
  EXPECT_FALSE(
      MakeHasher({.memory_kib = 128, .iterations = 1, .parallelism = 1})->NeedsRehash(stored));
  EXPECT_TRUE(MakeHasher({.memory_kib = 256, .iterations = 2, .parallelism = 1})
                  ->NeedsRehash("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/"
                                "uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"))
      << "a salt of 8 bytes";
}

TEST(Argon2HasherTest, MoreCallersThanArenasAllGetTheirTurn) {
  const auto hasher = MakeHasher({.memory_kib = 256, .iterations = 1, .parallelism = 1}, 2);
  const std::string stored = *hasher->Hash("right");
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&hasher, &stored, &wrong, i] {
      for (int k = 0; k < 50; ++k) {
        const bool expected = (i + k) % 2 == 0;
        const auto verified = hasher->Verify(expected ? "right" : "false", stored);
        if (!verified.ok() || *verified != expected) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(hasher->computations(), 1 + 8 * 50);
}

TEST(Argon2HasherOptionsTest, WeakOrImpossibleParametersAreRefused) {
  const auto validate = [](uint32_t memory_kib, uint32_t iterations, uint32_t parallelism,
                           bool allow_weak = false) {
    return Argon2Hasher::Options{
        .parameters = {memory_kib, iterations, parallelism}, .arenas = 1, .allow_weak = allow_weak}
        .Validate();
  };
  EXPECT_THAT(validate(19456, 2, 1), IsOk());
  EXPECT_THAT(validate(47104, 1, 1), IsOk());
  EXPECT_THAT(validate(262144, 10, 4), IsOk());
  EXPECT_THAT(validate(19455, 2, 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(validate(19456, 1, 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(validate(64, 1, 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(validate(64, 1, 1, /*allow_weak=*/true), IsOk());
  EXPECT_THAT(validate(7, 1, 1, /*allow_weak=*/true), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(validate(262145, 2, 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(validate(19456, 11, 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(validate(19456, 2, 5), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Argon2Hasher::Create({.parameters = kTiny}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Argon2Hasher::Create({.parameters = {}, .arenas = 0}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace auth::account
