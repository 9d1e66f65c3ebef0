#include "server/store/pg_user_store.h"

#include <memory>
#include <string>
#include <utility>

#include "tests/store_conformance/user_store_conformance.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_store.h"

namespace auth::testing {
namespace {

// One server for all tests of the process, started by the first that needs it.
TestPostgres* postgres = nullptr;

class StopPostgres final : public ::testing::Environment {
 public:
  void TearDown() override { delete std::exchange(postgres, nullptr); }
};

[[maybe_unused]] const auto* const stop_postgres =
    ::testing::AddGlobalTestEnvironment(new StopPostgres);

std::string NewDatabase() {
  if (postgres == nullptr) postgres = new TestPostgres;
  return postgres->CreateDatabase();
}

class PgStoreUnderTest final : public StoreUnderTest {
 public:
  PgStoreUnderTest() : url_(NewDatabase()), store_(url_), database_(url_) {}

  // Whatever the test did: everybody has one event of his own.
  ~PgStoreUnderTest() override {
    EXPECT_EQ(Count("users LEFT JOIN events ON user_id = users.id WHERE user_id IS NULL"), 0);
    EXPECT_EQ(Count("events LEFT JOIN users ON user_id = users.id WHERE users.id IS NULL"), 0);
    EXPECT_EQ(Count("events"), Count("users"));
  }

  account::UserStore& store() override { return store_.store(); }
  void SetActive(const std::string& email_key, bool active) override {
    database_.Execute("UPDATE users SET state = $2 WHERE email_key = $1",
                      {email_key, active ? "1" : "2"});
  }
  int CountUsers() override { return Count("users"); }
  int CountSessions() override { return Count("sessions"); }

 private:
  int Count(const std::string& from) {
    return std::stoi(database_.QueryValue("SELECT count(*) FROM " + from));
  }

  const std::string url_;
  TestStore store_;
  SqlConnection database_;
};

INSTANTIATE_TEST_SUITE_P(Pg, UserStoreConformance,
                         ::testing::Values(StoreCase{
                             "Pg", [] { return std::make_unique<PgStoreUnderTest>(); }}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace auth::testing
