// A commit that loses its connection while it waits for a synchronous standby can be seen by
// everybody, and is lost with the primary as long as the standby lacks it: no answer may rest on
// it.

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>

#include "server/account/errors.h"
#include "tests/support/sql_connection.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_store.h"

namespace auth::store {
namespace {

using account::CallContext;
using account::GetErrorDetails;
using account::NewSession;
using account::NewUser;
using account::Reason;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::MakeNewSession;
using testing::MakeNewUser;
using testing::SqlConnection;
using testing::TestPostgres;
using testing::TestStore;

class Durability : public ::testing::Test {
 protected:
  Durability() {
    TestStore local(url_);
    EXPECT_TRUE(local.store().Register({local.In(seconds(30))}, ann_).ok());
    postgres_.Execute("ALTER DATABASE " + url_.substr(url_.rfind('/') + 1) +
                      " SET synchronous_commit = on");
    server_ = std::make_unique<TestStore>(url_);
  }

  account::UserStore& store() { return server_->store(); }

  // Ends every connection on which a commit of `write` waits, until it gives up.
  void ExpectNotAcknowledged(const std::function<absl::Status(const CallContext&)>& write) {
    std::future<absl::Status> answer =
        std::async(std::launch::async, [&] { return write({server_->In(seconds(2))}); });
    int ended = 0;
    while (answer.wait_for(milliseconds(10)) != std::future_status::ready) {
      ended += std::stoi(
          postgres_.QueryValue("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                               "WHERE wait_event = 'SyncRep'"));
    }
    EXPECT_GE(ended, 2) << "the original, and a replay";
    EXPECT_EQ(GetErrorDetails(answer.get()).reason, Reason::kDeadlineExceeded);
  }

  int Count(const std::string& from) {
    return std::stoi(database_.QueryValue("SELECT count(*) FROM " + from));
  }

  // Commits wait for a standby that never comes, in the sessions of the database that begin later.
  TestPostgres postgres_{TestPostgres::Settings{{"synchronous_standby_names", "nobody"},
                                                {"synchronous_commit", "local"}}};
  const std::string url_ = postgres_.CreateDatabase();
  const NewUser ann_ = MakeNewUser("ann@example.com");
  SqlConnection database_{url_};
  std::unique_ptr<TestStore> server_;
};

TEST_F(Durability, OfARegistration) {
  const NewUser ben = MakeNewUser("ben@example.com");
  ExpectNotAcknowledged(
      [&](const CallContext& call) { return store().Register(call, ben).status(); });
  EXPECT_EQ(Count("users WHERE email = 'ben@example.com'"), 1);

  // Nor is somebody else told that the address is taken.
  ExpectNotAcknowledged([&](const CallContext& call) {
    return store().Register(call, MakeNewUser("ben@example.com")).status();
  });
}

TEST_F(Durability, OfASession) {
  const NewSession session = MakeNewSession(ann_.id);
  const auto add = [&](const CallContext& call) {
    return store().AddSession(call, session, ann_.password_hash).status();
  };
  ExpectNotAcknowledged(add);
  EXPECT_EQ(Count("sessions"), 2);

  // Nor is it once it could not be added any more.
  database_.Execute("SET synchronous_commit = local; UPDATE users SET password_hash = 'new'");
  ExpectNotAcknowledged(add);
}

TEST_F(Durability, OfTheEndOfASession) {
  ExpectNotAcknowledged([&](const CallContext& call) {
    return store().DeleteSession(call, ann_.session.token_hash);
  });
  EXPECT_EQ(Count("sessions"), 0);
}

}  // namespace
}  // namespace auth::store
