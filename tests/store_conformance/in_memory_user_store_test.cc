#include "tests/support/in_memory_user_store.h"

#include <memory>
#include <string>

#include "tests/store_conformance/user_store_conformance.h"

namespace auth::testing {
namespace {

class InMemoryStoreUnderTest final : public StoreUnderTest {
 public:
  account::UserStore& store() override { return store_; }
  void SetActive(const std::string& email_key, bool active) override {
    store_.SetActive(email_key, active);
  }
  int CountUsers() override { return static_cast<int>(store_.users()); }
  int CountSessions() override { return static_cast<int>(store_.sessions()); }

 private:
  InMemoryUserStore store_;
};

INSTANTIATE_TEST_SUITE_P(InMemory, UserStoreConformance,
                         ::testing::Values(StoreCase{
                             "InMemory",
                             [] { return std::make_unique<InMemoryStoreUnderTest>(); }}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace auth::testing
