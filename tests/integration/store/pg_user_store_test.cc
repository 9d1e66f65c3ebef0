#include "server/store/pg_user_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "server/account/errors.h"
#include "tests/support/eventually.h"
#include "tests/support/fault_injector.h"
#include "tests/support/history_checker.h"
#include "tests/support/postgres_gate.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_store.h"

namespace auth::store {
namespace {

using account::GetErrorDetails;
using account::NewSession;
using account::NewUser;
using account::Reason;
using account::RegisterResult;
using account::Uuid;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Eventually;
using testing::FaultInjector;
using testing::HistoryChecker;
using testing::IsOk;
using testing::MakeNewSession;
using testing::MakeNewUser;
using testing::PostgresGate;
using testing::RegisterCall;
using testing::RegisterOutcome;
using testing::SqlConnection;
using testing::TestStore;
using Kind = account::RegisterResult::Kind;

constexpr int kFreezes = 5;
constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kLabel[] = "trace=4bf92f3577b34da6a3ce929d0e0e4736";

class PgUserStoreTest : public testing::PostgresTest {
 protected:
  PgUserStoreTest() : url_(postgres().CreateDatabase()), database_(url_) {}

  TestStore& Open(pool::PoolOptions options = {}) {
    server_ = std::make_unique<TestStore>(url_, options, &faults_);
    return *server_;
  }
  // With one connection, so that it is known which backend serves.
  TestStore& OpenWithOneConnection() {
    pool::PoolOptions options;
    options.max_connections = 1;
    return Open(options);
  }

  account::UserStore& store() { return server_->store(); }
  account::CallContext Soon() const { return {server_->In(seconds(30))}; }
  // The same, of a call that is traced if so wished: its statements are labelled.
  account::CallContext Soon(bool traced) const {
    account::CallContext call = Soon();
    if (traced) call.sampled_trace_id = kTraceId;
    return call;
  }
  int CountUsers() { return std::stoi(database_.QueryValue("SELECT count(*) FROM users")); }
  int CountSessions() { return std::stoi(database_.QueryValue("SELECT count(*) FROM sessions")); }

  RegisterResult Register(const NewUser& user, bool traced = false) {
    const absl::StatusOr<RegisterResult> result = store().Register(Soon(traced), user);
    EXPECT_THAT(result, IsOk());
    return result.value_or(RegisterResult{});
  }

  // Freezes the one backend, which must have run the statement before: else it would be sent no
  // more than the statement's preparation. Returns when it has thawed, read what had been sent to
  // it, and ended.
  void ExpectDeadlineOnAFrozenBackend(
      const std::function<absl::Status(const account::CallContext&)>& write) {
    const std::string backend = database_.QueryValue(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND "
        "backend_type = 'client backend' AND pid <> pg_backend_pid()");
    {
      const testing::FrozenProcess frozen = postgres().Freeze(std::stoi(backend));
      const MonotonicTime begin = server_->clock().Monotonic();
      const absl::Status status = write({begin + milliseconds(200)});
      EXPECT_EQ(GetErrorDetails(status).reason, Reason::kDeadlineExceeded);
      EXPECT_LT(server_->clock().Monotonic() - begin, seconds(2));
    }
    EXPECT_TRUE(Eventually([&] {
      return database_.QueryValue("SELECT count(*) FROM pg_stat_activity WHERE pid = $1",
                                  {backend}) == "0";
    }));
  }

  // So many users, each with the session and the event of the registration.
  void ExpectWholeUsers(int count) {
    EXPECT_EQ(CountUsers(), count);
    EXPECT_EQ(CountSessions(), count);
    EXPECT_EQ(database_.QueryValue("SELECT count(*) FROM events"), std::to_string(count));
  }

  // Runs `statement` with the user's values as another session's transaction would.
  void InsertAs(SqlConnection& session, const NewUser& user) {
    session.Execute(
        "INSERT INTO users (id, email, email_key, password_hash, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, now(), now())",
        {user.id.ToString(), user.email, user.email_key, user.password_hash});
  }
  bool SomebodyWaitsForALock() {
    return postgres().QueryValue(
               "SELECT count(*) FROM pg_stat_activity "
               "WHERE wait_event_type = 'Lock'") != "0";
  }

  const std::string url_;
  SqlConnection database_;
  FaultInjector faults_;
  std::unique_ptr<TestStore> server_;
};

TEST_F(PgUserStoreTest, WarmCallsAreOneStatementEach) {
  OpenWithOneConnection();
  // Warm: the statements are prepared at their first use.
  const NewUser first = MakeNewUser("first@example.com");
  Register(first);
  ASSERT_THAT(store().FindSession(Soon(), first.session.token_hash, server_->clock().Now()),
              IsOk());

  constexpr int kCalls = 20;
  int64_t before = postgres().StatementCount(url_);
  for (int i = 0; i < kCalls; ++i) {
    EXPECT_EQ(Register(MakeNewUser(std::to_string(i) + "@example.com")).kind, Kind::kCreated);
  }
  EXPECT_EQ(postgres().StatementCount(url_) - before, kCalls);

  before = postgres().StatementCount(url_);
  for (int i = 0; i < kCalls; ++i) {
    EXPECT_TRUE(store()
                    .FindSession(Soon(), first.session.token_hash, server_->clock().Now())
                    .value()
                    .has_value());
  }
  EXPECT_EQ(postgres().StatementCount(url_) - before, kCalls);
}

TEST_F(PgUserStoreTest, FindsItsOwnRegistrationAfterALostAnswer) {
  Open();
  int users = 0;
  for (const bool with_request_id : {false, true}) {
    for (const bool traced : {false, true}) {
      NewUser user = MakeNewUser(std::to_string(++users) + "@example.com");
      if (with_request_id) user.request_id = Uuid::NewV7(server_->clock().Now());
      const int before = faults_.executions("register_user");
      faults_.LoseAnswer("register_user");
      EXPECT_EQ(Register(user, traced).kind, Kind::kCreated);
      EXPECT_EQ(faults_.executions("register_user"), before + 2);
      EXPECT_EQ(faults_.last_label("register_user"), traced ? kLabel : "");
    }
  }
  ExpectWholeUsers(users);
}

// What the driver makes of it: no answer counts before its last byte has come.
TEST_F(PgUserStoreTest, FindsItsOwnRegistrationWhereverTheConnectionBreaks) {
  using Fault = PostgresGate::Fault;
  PostgresGate gate(postgres().port());
  server_ = std::make_unique<TestStore>(gate.tcp().Through(url_), pool::PoolOptions(), &faults_);
  int users = 0;
  for (const bool traced : {false, true}) {
    const auto break_at = [&](Fault fault, int reply_bytes) {
      const int64_t before = gate.done(fault);
      const int executions = faults_.executions("register_user");
      gate.Add({.request = "register_user", .fault = fault, .reply_bytes = reply_bytes});
      EXPECT_EQ(Register(MakeNewUser(std::to_string(++users) + "@example.com"), traced).kind,
                Kind::kCreated);
      EXPECT_EQ(gate.done(fault), before + 1);
      EXPECT_EQ(faults_.executions("register_user"), executions + 2);
      EXPECT_EQ(faults_.last_label("register_user"), traced ? kLabel : "");
    };
    break_at(Fault::kCutBefore, 0);
    break_at(Fault::kCutAfter, 0);
    // The longer of the two answers has some 200 bytes; of a shorter one all but the last come.
    for (int bytes = 0; bytes < 240; bytes += 8) break_at(Fault::kLoseReply, bytes);
  }
  ExpectWholeUsers(users);
}

TEST_F(PgUserStoreTest, OtherWritesConvergeAfterALostAnswer) {
  Open();
  const NewUser user = MakeNewUser("ann@example.com");
  Register(user);
  const NewSession session = MakeNewSession(user.id);
  faults_.LoseAnswer("add_session");
  EXPECT_TRUE(store().AddSession(Soon(), session, user.password_hash).value());
  EXPECT_EQ(database_.QueryValue("SELECT count(*) FROM sessions"), "2");
  faults_.LoseAnswer("replace_password_hash");
  EXPECT_TRUE(store().ReplacePasswordHash(Soon(), user.id, user.password_hash, "new").value());
  faults_.LoseAnswer("delete_session");
  EXPECT_THAT(store().DeleteSession(Soon(), session.token_hash), IsOk());
  EXPECT_EQ(database_.QueryValue("SELECT count(*) FROM sessions"), "1");
}

// The original of a replay may still be running when the replay arrives.
TEST_F(PgUserStoreTest, WaitsForAnUnfinishedOriginalAndSeesItsCommit) {
  Open();
  const NewUser user = MakeNewUser("ann@example.com");
  database_.Execute("BEGIN");
  InsertAs(database_, user);
  auto result = std::async(std::launch::async, [&] { return Register(user); });
  ASSERT_TRUE(Eventually([&] { return SomebodyWaitsForALock(); }));
  database_.Execute("COMMIT");
  EXPECT_EQ(result.get().kind, Kind::kCreated);
  EXPECT_EQ(CountUsers(), 1);
}

TEST_F(PgUserStoreTest, WaitsForAnUnfinishedOriginalAndSeesItsRollback) {
  Open();
  const NewUser user = MakeNewUser("ann@example.com");
  database_.Execute("BEGIN");
  InsertAs(database_, user);
  auto result = std::async(std::launch::async, [&] { return Register(user); });
  ASSERT_TRUE(Eventually([&] { return SomebodyWaitsForALock(); }));
  database_.Execute("ROLLBACK");
  EXPECT_EQ(result.get().kind, Kind::kCreated);
  EXPECT_EQ(database_.QueryValue("SELECT count(*) FROM sessions"), "1");
}

TEST_F(PgUserStoreTest, WaitsForARivalAndSeesHimCommit) {
  Open();
  database_.Execute("BEGIN");
  InsertAs(database_, MakeNewUser("ann@example.com"));
  auto result =
      std::async(std::launch::async, [&] { return Register(MakeNewUser("ann@example.com")); });
  ASSERT_TRUE(Eventually([&] { return SomebodyWaitsForALock(); }));
  database_.Execute("COMMIT");
  EXPECT_EQ(result.get().kind, Kind::kEmailTaken);
}

TEST_F(PgUserStoreTest, TriesAgainIfTheOwnerOfTheEmailIsGoneAtTheSecondLook) {
  Open();
  const NewUser rival = MakeNewUser("ann@example.com");
  Register(rival);
  std::atomic<bool> deleted = false;
  faults_.AfterEach("register_user", [&] {
    if (!deleted.exchange(true)) {
      database_.Execute("DELETE FROM users WHERE id = $1", {rival.id.ToString()});
    }
  });
  const NewUser user = MakeNewUser("ann@example.com");
  EXPECT_EQ(Register(user).kind, Kind::kCreated);
  EXPECT_TRUE(deleted);
  EXPECT_EQ(database_.QueryValue("SELECT id FROM users"), user.id.ToString());
}

TEST_F(PgUserStoreTest, ADeletedUserLeavesTheEmailFreeAndHisSessionsGo) {
  Open();
  const NewUser first = MakeNewUser("ann@example.com");
  Register(first);
  database_.Execute("DELETE FROM users");
  EXPECT_FALSE(store()
                   .FindSession(Soon(), first.session.token_hash, server_->clock().Now())
                   .value()
                   .has_value());
  EXPECT_EQ(Register(MakeNewUser("ann@example.com")).kind, Kind::kCreated);
}

TEST_F(PgUserStoreTest, SendsNothingAfterTheDeadline) {
  Open();
  const NewUser user = MakeNewUser("ann@example.com");
  const MonotonicTime past = server_->In(seconds(-1));
  EXPECT_EQ(GetErrorDetails(store().Register({past}, user).status()).reason,
            Reason::kDeadlineExceeded);
  EXPECT_EQ(faults_.executions("register_user"), 0);
  Register(user);
  EXPECT_EQ(GetErrorDetails(
                store().AddSession({past}, MakeNewSession(user.id), user.password_hash).status())
                .reason,
            Reason::kDeadlineExceeded);
  EXPECT_EQ(faults_.executions("add_session"), 0);
}

TEST_F(PgUserStoreTest, ADatabaseClockThatWasSetIsReadAgain) {
  // The connections believe that the database's clock shows an hour less than it does.
  faults_.SkewDatabaseTime(hours(-1));
  OpenWithOneConnection();
  const NewUser user = MakeNewUser("ann@example.com");
  EXPECT_EQ(Register(user).kind, Kind::kCreated);
  EXPECT_EQ(faults_.executions("register_user"), 2);

  OpenWithOneConnection();  // the connection above knows better by now
  EXPECT_TRUE(store().AddSession(Soon(), MakeNewSession(user.id), user.password_hash).value());
  EXPECT_EQ(faults_.executions("add_session"), 2);
  EXPECT_EQ(CountSessions(), 2);
}

TEST_F(PgUserStoreTest, AFrozenBackendRegistersNobodyAfterTheThaw) {
  OpenWithOneConnection();
  for (int round = 0; round < kFreezes; ++round) {
    const std::string email = std::to_string(round) + "@example.com";
    Register(MakeNewUser("warm" + email));
    ExpectDeadlineOnAFrozenBackend([&](const account::CallContext& call) {
      return store().Register(call, MakeNewUser(email)).status();
    });
    EXPECT_EQ(CountUsers(), round + 1) << "those before the freezes";
  }
}

TEST_F(PgUserStoreTest, AFrozenBackendAddsNoSessionAfterTheThaw) {
  OpenWithOneConnection();
  const NewUser user = MakeNewUser("ann@example.com");
  Register(user);
  const auto add = [&](const account::CallContext& call) {
    return store().AddSession(call, MakeNewSession(user.id), user.password_hash).status();
  };
  for (int round = 0; round < kFreezes; ++round) {
    ASSERT_THAT(add(Soon()), IsOk());
    ExpectDeadlineOnAFrozenBackend(add);
    EXPECT_EQ(CountSessions(), round + 2) << "the registration's, and those before the freezes";
  }
}

TEST_F(PgUserStoreTest, ASessionIsNotAddedBehindAPasswordChange) {
  Open();
  const NewUser user = MakeNewUser("ann@example.com");
  Register(user);
  database_.Execute("BEGIN");
  database_.Execute("UPDATE users SET password_hash = 'new' WHERE id = $1", {user.id.ToString()});
  database_.Execute("DELETE FROM sessions WHERE user_id = $1", {user.id.ToString()});
  auto added = std::async(std::launch::async, [&] {
    return store().AddSession(Soon(), MakeNewSession(user.id), user.password_hash);
  });
  ASSERT_TRUE(Eventually([&] { return SomebodyWaitsForALock(); }));
  database_.Execute("COMMIT");
  EXPECT_FALSE(added.get().value());
  EXPECT_EQ(database_.QueryValue("SELECT count(*) FROM sessions"), "0");
}

TEST_F(PgUserStoreTest, NothingIsLostWhileAllBackendsAreKilled) {
  Open();
  HistoryChecker history;
  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0;
  std::atomic<int64_t> operations = 0;
  constexpr int kClients = 8;
  std::vector<std::thread> clients;
  clients.reserve(kClients);
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&] {
      while (!stop) {
        RegisterCall call;
        call.operation = ++operations;
        // Every fifth e-mail is somebody else's too.
        const int64_t person = call.operation % 5 == 0 ? call.operation - 1 : call.operation;
        call.email_key = std::to_string(person) + "@example.com";
        NewUser user = MakeNewUser(call.email_key);
        user.request_id = Uuid::NewV7(server_->clock().Now());
        call.request_id = user.request_id->ToString();
        const absl::StatusOr<RegisterResult> result = store().Register(Soon(), user);
        // No request_id comes twice, so that none has been seen.
        if (!result.ok() || result->kind == Kind::kRequestIdSeen) {
          ++failed;
        } else if (result->kind == Kind::kCreated) {
          call.outcome = RegisterOutcome::kOk;
          call.user_id = user.id.ToString();
          call.session_id = user.session.id.ToString();
        } else {
          call.outcome = RegisterOutcome::kAlreadyExists;
        }
        history.Record(call);
      }
    });
  }
  constexpr int kKills = 30;
  int killed = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    const int64_t seen = operations;
    EXPECT_TRUE(Eventually([&] { return operations > seen + int64_t{2} * kClients; }));
    killed += postgres().KillBackends();
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(failed, 0);
  EXPECT_THAT(history.Check(database_), ::testing::IsEmpty());
  EXPECT_GE(killed, kKills);
}

TEST_F(PgUserStoreTest, CallersAreToldNothingOfTheDatabase) {
  Open();
  std::string logged;
  PgUserStore store(&server_->runner(), &server_->clock(),
                    [&](const char* operation, const absl::Status& cause) {
                      logged = std::string(operation) + ": " + std::string(cause.message());
                    });
  database_.Execute("ALTER TABLE users RENAME COLUMN email_key TO secret_name");
  const auto result = store.FindUserByEmailKey(Soon(), "ann@example.com");
  EXPECT_EQ(GetErrorDetails(result.status()).reason, Reason::kInternal);
  EXPECT_EQ(result.status(), account::MakeError(Reason::kInternal));
  EXPECT_THAT(logged, ::testing::AllOf(::testing::StartsWith("find_user_by_email_key: "),
                                       ::testing::HasSubstr("email_key")));
}

// Whatever statement a call that is traced runs, the database says for whom.
TEST_F(PgUserStoreTest, TheDatabaseShowsTheTraceOfASampledCall) {
  pool::PoolOptions options;
  options.max_connections = 1;
  TestStore direct(url_, options);
  account::CallContext sampled{direct.In(seconds(30))};
  sampled.sampled_trace_id = kTraceId;
  const account::CallContext plain{direct.In(seconds(30))};
  ASSERT_THAT(direct.store().FindUserByEmailKey(sampled, "nobody@example.com"), IsOk());

  const auto names = [&](const std::string& state) {
    return postgres().QueryValue(
        "SELECT coalesce(string_agg(application_name, ','), '') FROM pg_stat_activity WHERE "
        "application_name LIKE 'auth_server%' AND state = '" +
        state + "'");
  };
  for (const bool traced : {true, false}) {
    const NewUser user = MakeNewUser(traced ? "ann@example.com" : "bob@example.com");
    database_.Execute("BEGIN");
    database_.Execute(
        "INSERT INTO users (id, email, email_key, password_hash, created_at, updated_at) "
        "VALUES (gen_random_uuid(), 'x', $1, 'x', now(), now())",
        {user.email_key});
    auto waiting = std::async(std::launch::async, [&] {
      return direct.store().Register(traced ? sampled : plain, user);
    });
    const std::string expected = traced ? std::string("auth_server ") + kLabel : "auth_server";
    EXPECT_TRUE(Eventually([&] { return names("active") == expected; })) << names("active");
    database_.Execute("ROLLBACK");
    const absl::StatusOr<RegisterResult> result = waiting.get();
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result->kind, Kind::kCreated);
    EXPECT_EQ(names("idle"), "auth_server");
  }
  EXPECT_EQ(CountUsers(), 2);
}

TEST_F(PgUserStoreTest, CountsTheAttemptsOfACall) {
  OpenWithOneConnection();
  std::atomic<int> attempts = 0;
  account::CallContext call = Soon();
  call.db_attempts = &attempts;
  const NewUser user = MakeNewUser("ann@example.com");
  ASSERT_THAT(store().Register(call, user), IsOk());
  EXPECT_EQ(attempts, 1);
  faults_.LoseAnswer("find_user_by_email_key");
  ASSERT_THAT(store().FindUserByEmailKey(call, user.email_key), IsOk());
  EXPECT_EQ(attempts, 3) << "a lost one, and its replay";
}

TEST_F(PgUserStoreTest, AStoppedServerIsADeadlineAndADrainedPoolAShutdown) {
  Open();
  postgres().Stop();
  const auto late = store().FindUserByEmailKey({server_->In(milliseconds(300))}, "ann@example.com");
  EXPECT_EQ(GetErrorDetails(late.status()).reason, Reason::kDeadlineExceeded);
  postgres().Restart();
  EXPECT_THAT(store().FindUserByEmailKey(Soon(), "ann@example.com"), IsOk());

  EXPECT_THAT(server_->pool().Drain(Soon().deadline), IsOk());
  const auto drained = store().FindUserByEmailKey(Soon(), "ann@example.com");
  EXPECT_EQ(GetErrorDetails(drained.status()).reason, Reason::kShuttingDown);
}

TEST_F(PgUserStoreTest, AFullPoolIsAnOverload) {
  pool::PoolOptions options;
  options.max_connections = 1;
  options.max_waiters = 1;
  Open(options);
  auto held = server_->pool().Acquire(Soon().deadline);
  ASSERT_THAT(held, IsOk());
  auto waiting = std::async(std::launch::async,
                            [&] { return store().FindUserByEmailKey(Soon(), "ann@example.com"); });
  ASSERT_TRUE(Eventually([&] { return server_->pool().Stats().waiters == 1; }));
  const auto refused = store().FindUserByEmailKey(Soon(), "ann@example.com");
  EXPECT_EQ(GetErrorDetails(refused.status()).reason, Reason::kOverloaded);
  { const auto give_back = std::move(held); }
  EXPECT_THAT(waiting.get(), IsOk());
}

}  // namespace
}  // namespace auth::store
