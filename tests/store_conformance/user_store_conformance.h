#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "pool/clock.h"
#include "server/account/user_store.h"

namespace auth::testing {

// A store to be tested, empty at first, with what the interface does not offer.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;

  virtual account::UserStore& store() = 0;
  virtual void SetActive(const std::string& email_key, bool active) = 0;
  virtual int CountUsers() = 0;
  virtual int CountSessions() = 0;
};

struct StoreCase {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>()> make;
};
inline void PrintTo(const StoreCase& store_case, std::ostream* out) { *out << store_case.name; }

// What every account::UserStore must do. An implementation joins with
//
//   INSTANTIATE_TEST_SUITE_P(InMemory, UserStoreConformance,
//                            ::testing::Values(StoreCase{"InMemory", [] { return …; }}));
class UserStoreConformance : public ::testing::TestWithParam<StoreCase> {
 protected:
  UserStoreConformance() : under_test_(GetParam().make()) {}

  account::UserStore& store() { return under_test_->store(); }
  WallTime Now() const { return clock_.Now(); }
  // A call whose deadline is not reached.
  account::CallContext Soon() const { return {clock_.Monotonic() + std::chrono::seconds(60)}; }

  account::RegisterResult Register(const account::NewUser& user);
  // Registers all at once, each from a thread of its own; the results in the order of `users`.
  std::vector<account::RegisterResult> RegisterTogether(const std::vector<account::NewUser>& users);

  const RealClock clock_;
  const std::unique_ptr<StoreUnderTest> under_test_;
};

}  // namespace auth::testing
