#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "server/account/account_services.h"
#include "server/account/argon2_hasher.h"
#include "server/account/operation.h"
#include "tests/support/fake_clock.h"
#include "tests/support/in_memory_user_store.h"

namespace auth::account {

// The real parts of the domain, but for the store and the clock, with an Argon2 that takes no time.
class UseCaseTest : public ::testing::Test {
 protected:
  static constexpr Argon2Parameters kLower{.memory_kib = 64, .iterations = 1, .parallelism = 1};
  static constexpr Argon2Parameters kToday{.memory_kib = 128, .iterations = 2, .parallelism = 1};

  static std::unique_ptr<Argon2Hasher> MakeHasher(const Argon2Parameters& parameters) {
    return *Argon2Hasher::Create({.parameters = parameters, .arenas = 1, .allow_weak = true});
  }

  CallContext Context() const {
    return {clock_.Monotonic() + std::chrono::seconds(10), &cancelled_};
  }

  // The stages that an operation went through, one letter each: "HS" for hash, then store.
  std::string Drive(Operation* operation) const {
    std::string stages;
    for (Stage stage = operation->Begin(); stage != Stage::kDone;
         stage = operation->Run(Context())) {
      stages += stage == Stage::kHash ? 'H' : 'S';
    }
    return stages;
  }

  testing::FakeClock clock_;
  testing::InMemoryUserStore store_;
  std::unique_ptr<Argon2Hasher> hasher_ = MakeHasher(kToday);
  PasswordPolicy policy_{PasswordPolicy::Options{}};
  AttemptLimiter limiter_{AttemptLimiter::Options{}, &clock_};
  std::atomic<bool> cancelled_{false};
  AccountServices services_{&store_,   hasher_.get(), &policy_,
                            &limiter_, &clock_,       std::chrono::hours(24)};
};

}  // namespace auth::account
