#include "tests/store_conformance/user_store_conformance.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/support/test_store.h"

namespace auth::testing {

using account::CallContext;
using account::NewSession;
using account::NewUser;
using account::RegisterResult;
using account::StoredUser;
using account::Uuid;
using Kind = account::RegisterResult::Kind;
using std::chrono::microseconds;
using std::chrono::seconds;

namespace {

constexpr int kRounds = 10;
constexpr int kCallers = 50;

int Count(const std::vector<RegisterResult>& results, Kind kind) {
  return static_cast<int>(std::count_if(
      results.begin(), results.end(), [kind](const auto& result) { return result.kind == kind; }));
}

}  // namespace

RegisterResult UserStoreConformance::Register(const NewUser& user) {
  const absl::StatusOr<RegisterResult> result = store().Register(Soon(), user);
  EXPECT_THAT(result, IsOk());
  return result.value_or(RegisterResult{});
}

std::vector<RegisterResult> UserStoreConformance::RegisterTogether(
    const std::vector<NewUser>& users) {
  std::vector<RegisterResult> results(users.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < users.size(); ++i) {
    threads.emplace_back([&, i] { results[i] = Register(users[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  return results;
}

TEST_P(UserStoreConformance, CountsAttemptsForWhomeverAsks) {
  std::atomic<int> attempts = 0;
  CallContext call = Soon();
  call.db_attempts = &attempts;
  const NewUser user = MakeNewUser("ann@example.com");
  ASSERT_THAT(store().Register(call, user), IsOk());
  EXPECT_EQ(attempts, 1);
  ASSERT_THAT(store().AddSession(call, MakeNewSession(user.id), user.password_hash), IsOk());
  ASSERT_THAT(store().FindUserByEmailKey(call, user.email_key), IsOk());
  ASSERT_THAT(store().FindSession(call, user.session.token_hash, Now()), IsOk());
  ASSERT_THAT(store().DeleteSession(call, user.session.token_hash), IsOk());
  ASSERT_THAT(store().ReplacePasswordHash(call, user.id, user.password_hash, "new"), IsOk());
  EXPECT_EQ(attempts, 6);
}

TEST_P(UserStoreConformance, KeepsWhatItIsGiven) {
  NewUser user = MakeNewUser("ann@example.com");
  user.email = "Ann@Example.COM";
  EXPECT_EQ(Register(user).kind, Kind::kCreated);

  const auto found = store().FindUserByEmailKey(Soon(), "ann@example.com");
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  const StoredUser& stored = **found;
  EXPECT_EQ(stored.user.id, user.id);
  EXPECT_EQ(stored.user.email, "Ann@Example.COM");
  EXPECT_EQ(stored.user.email_verified, std::nullopt);
  EXPECT_EQ(stored.user.created_at, user.created_at);
  EXPECT_EQ(stored.user.updated_at, user.created_at);
  EXPECT_EQ(stored.email_key, "ann@example.com");
  EXPECT_EQ(stored.password_hash, user.password_hash);
  EXPECT_TRUE(stored.active);

  const auto session = store().FindSession(Soon(), user.session.token_hash, Now());
  ASSERT_THAT(session, IsOk());
  ASSERT_TRUE(session->has_value());
  EXPECT_EQ((*session)->session.id, user.session.id);
  EXPECT_EQ((*session)->session.user_id, user.id);
  EXPECT_EQ((*session)->session.expires, user.session.expires_at);
  EXPECT_EQ((*session)->user.id, user.id);
  EXPECT_EQ((*session)->user.email, "Ann@Example.COM");
}

TEST_P(UserStoreConformance, KeepsTextThatLooksLikeSql) {
  NewUser user = MakeNewUser("o'br\\ien\"; DROP TABLE users;--@example.com");
  user.email = "\xF0\x9F\x98\x80 $1 \x7f%s'";
  EXPECT_EQ(Register(user).kind, Kind::kCreated);
  const auto found = store().FindUserByEmailKey(Soon(), user.email_key);
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->user.email, user.email);
}

TEST_P(UserStoreConformance, FindsNobodyWhereThereIsNobody) {
  const auto user = store().FindUserByEmailKey(Soon(), "nobody@example.com");
  ASSERT_THAT(user, IsOk());
  EXPECT_FALSE(user->has_value());
  const auto session = store().FindSession(Soon(), account::Token::New().Hash(), Now());
  ASSERT_THAT(session, IsOk());
  EXPECT_FALSE(session->has_value());
}

TEST_P(UserStoreConformance, TheKeyIsComparedByteByByte) {
  EXPECT_EQ(Register(MakeNewUser("ann@example.com")).kind, Kind::kCreated);
  EXPECT_EQ(Register(MakeNewUser("Ann@example.com")).kind, Kind::kCreated);
  EXPECT_EQ(Register(MakeNewUser("ann@example.com ")).kind, Kind::kCreated);
}

TEST_P(UserStoreConformance, TellsThatTheEmailIsTaken) {
  const NewUser first = MakeNewUser("ann@example.com");
  EXPECT_EQ(Register(first).kind, Kind::kCreated);
  NewUser second = MakeNewUser("ann@example.com");
  second.request_id = Uuid::NewV7(Now());
  EXPECT_EQ(Register(second).kind, Kind::kEmailTaken);
  EXPECT_EQ(under_test_->CountUsers(), 1);
  EXPECT_EQ(under_test_->CountSessions(), 1);
}

TEST_P(UserStoreConformance, ShowsWhoHasTheRequestId) {
  NewUser first = MakeNewUser("ann@example.com");
  first.request_id = Uuid::NewV7(Now());
  EXPECT_EQ(Register(first).kind, Kind::kCreated);
  for (const char* email : {"ann@example.com", "eve@example.com"}) {
    NewUser again = MakeNewUser(email);
    again.request_id = first.request_id;
    const RegisterResult result = Register(again);
    EXPECT_EQ(result.kind, Kind::kRequestIdSeen);
    ASSERT_TRUE(result.existing.has_value());
    EXPECT_EQ(result.existing->user.id, first.id);
    EXPECT_EQ(result.existing->email_key, "ann@example.com");
    EXPECT_EQ(result.existing->password_hash, first.password_hash);
    EXPECT_TRUE(result.existing->active);
  }
  EXPECT_EQ(under_test_->CountUsers(), 1);
}

TEST_P(UserStoreConformance, TheRequestIdCountsMoreThanTheEmail) {
  NewUser first = MakeNewUser("ann@example.com");
  first.request_id = Uuid::NewV7(Now());
  EXPECT_EQ(Register(first).kind, Kind::kCreated);
  EXPECT_EQ(Register(MakeNewUser("bob@example.com")).kind, Kind::kCreated);
  NewUser mixed = MakeNewUser("bob@example.com");
  mixed.request_id = first.request_id;
  const RegisterResult result = Register(mixed);
  EXPECT_EQ(result.kind, Kind::kRequestIdSeen);
  ASSERT_TRUE(result.existing.has_value());
  EXPECT_EQ(result.existing->user.id, first.id);
}

TEST_P(UserStoreConformance, ARepetitionWithTheSameIdsIsTheSameRegistration) {
  NewUser user = MakeNewUser("ann@example.com");
  user.request_id = Uuid::NewV7(Now());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Register(user).kind, Kind::kCreated);
  EXPECT_EQ(under_test_->CountUsers(), 1);
  EXPECT_EQ(under_test_->CountSessions(), 1);
}

TEST_P(UserStoreConformance, ASessionEndsAtItsExpiry) {
  const NewUser user = MakeNewUser("ann@example.com");
  Register(user);
  const WallTime expiry = user.session.expires_at;
  for (const auto& [now, valid] : std::map<WallTime, bool>{{expiry - seconds(1), true},
                                                           {expiry - microseconds(1), true},
                                                           {expiry, false},
                                                           {expiry + seconds(1), false}}) {
    const auto found = store().FindSession(Soon(), user.session.token_hash, now);
    ASSERT_THAT(found, IsOk());
    EXPECT_EQ(found->has_value(), valid);
  }
}

TEST_P(UserStoreConformance, AnInactiveUserHasNoSessions) {
  const NewUser user = MakeNewUser("ann@example.com");
  Register(user);
  under_test_->SetActive(user.email_key, false);
  const auto session = store().FindSession(Soon(), user.session.token_hash, Now());
  ASSERT_THAT(session, IsOk());
  EXPECT_FALSE(session->has_value());
  const auto found = store().FindUserByEmailKey(Soon(), user.email_key);
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_FALSE((*found)->active);
  const auto added = store().AddSession(Soon(), MakeNewSession(user.id), user.password_hash);
  ASSERT_THAT(added, IsOk());
  EXPECT_FALSE(*added);
}

TEST_P(UserStoreConformance, AddsASessionOnce) {
  const NewUser user = MakeNewUser("ann@example.com");
  Register(user);
  const NewSession session = MakeNewSession(user.id);
  for (int i = 0; i < 3; ++i) {
    const auto added = store().AddSession(Soon(), session, user.password_hash);
    ASSERT_THAT(added, IsOk());
    EXPECT_TRUE(*added);
  }
  EXPECT_EQ(under_test_->CountSessions(), 2);
  const auto found = store().FindSession(Soon(), session.token_hash, Now());
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->session.id, session.id);
}

TEST_P(UserStoreConformance, AddsNoSessionForAnotherHashOrNobody) {
  const NewUser user = MakeNewUser("ann@example.com");
  Register(user);
  const auto other_hash = store().AddSession(Soon(), MakeNewSession(user.id), "another");
  ASSERT_THAT(other_hash, IsOk());
  EXPECT_FALSE(*other_hash);
  const auto nobody =
      store().AddSession(Soon(), MakeNewSession(Uuid::NewV7(Now())), user.password_hash);
  ASSERT_THAT(nobody, IsOk());
  EXPECT_FALSE(*nobody);
  EXPECT_EQ(under_test_->CountSessions(), 1);
}

TEST_P(UserStoreConformance, DeletesOneSessionAndIsContentIfThereIsNone) {
  const NewUser user = MakeNewUser("ann@example.com");
  Register(user);
  const NewSession other = MakeNewSession(user.id);
  ASSERT_THAT(store().AddSession(Soon(), other, user.password_hash), IsOk());
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(store().DeleteSession(Soon(), user.session.token_hash), IsOk());
  }
  const auto gone = store().FindSession(Soon(), user.session.token_hash, Now());
  ASSERT_THAT(gone, IsOk());
  EXPECT_FALSE(gone->has_value());
  const auto kept = store().FindSession(Soon(), other.token_hash, Now());
  ASSERT_THAT(kept, IsOk());
  EXPECT_TRUE(kept->has_value());
}

TEST_P(UserStoreConformance, ReplacesAPasswordHashOnlyIfItIsStillTheOldOne) {
  const NewUser user = MakeNewUser("ann@example.com");
  Register(user);
  const auto replace = [&](const std::string& old_hash, const std::string& new_hash) {
    const auto replaced = store().ReplacePasswordHash(Soon(), user.id, old_hash, new_hash);
    EXPECT_THAT(replaced, IsOk());
    return replaced.value_or(false);
  };
  EXPECT_FALSE(replace("another", "new"));
  EXPECT_TRUE(replace(user.password_hash, "new"));
  // As after an answer that was lost.
  EXPECT_TRUE(replace(user.password_hash, "new"));
  EXPECT_FALSE(replace(user.password_hash, "newer"));
  const auto found = store().FindUserByEmailKey(Soon(), user.email_key);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->value().password_hash, "new");
  const auto nobody = store().ReplacePasswordHash(Soon(), Uuid::NewV7(Now()), "new", "newest");
  ASSERT_THAT(nobody, IsOk());
  EXPECT_FALSE(*nobody);
}

TEST_P(UserStoreConformance, OneOfManyConcurrentReplacementsWins) {
  const NewUser user = MakeNewUser("ann@example.com");
  Register(user);
  std::vector<std::thread> threads;
  std::vector<int> replaced(kCallers);
  for (size_t i = 0; i < kCallers; ++i) {
    threads.emplace_back([&, i] {
      replaced[i] =
          store()
              .ReplacePasswordHash(Soon(), user.id, user.password_hash, "new " + std::to_string(i))
              .value_or(false);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(replaced.begin(), replaced.end(), 1), 1);
}

TEST_P(UserStoreConformance, ConcurrentRegistrationsWithOneRequestIdMakeOneUser) {
  for (int round = 0; round < kRounds; ++round) {
    const Uuid request_id = Uuid::NewV7(Now());
    std::vector<NewUser> users;
    for (int i = 0; i < kCallers; ++i) {
      users.push_back(MakeNewUser("user" + std::to_string(round) + "@example.com"));
      users.back().request_id = request_id;
    }
    const std::vector<RegisterResult> results = RegisterTogether(users);
    ASSERT_EQ(Count(results, Kind::kCreated), 1);
    ASSERT_EQ(Count(results, Kind::kRequestIdSeen), kCallers - 1);
    std::set<Uuid> ids;
    for (const RegisterResult& result : results) {
      if (result.existing) ids.insert(result.existing->user.id);
    }
    EXPECT_EQ(ids.size(), 1u);
    EXPECT_EQ(under_test_->CountUsers(), round + 1);
    EXPECT_EQ(under_test_->CountSessions(), round + 1);
  }
}

TEST_P(UserStoreConformance, ConcurrentRegistrationsOfOneEmailMakeOneUser) {
  for (int round = 0; round < kRounds; ++round) {
    std::vector<NewUser> users;
    for (int i = 0; i < kCallers; ++i) {
      users.push_back(MakeNewUser("user" + std::to_string(round) + "@example.com"));
      users.back().request_id = Uuid::NewV7(Now());
    }
    const std::vector<RegisterResult> results = RegisterTogether(users);
    ASSERT_EQ(Count(results, Kind::kCreated), 1);
    ASSERT_EQ(Count(results, Kind::kEmailTaken), kCallers - 1);
    EXPECT_EQ(under_test_->CountUsers(), round + 1);
    EXPECT_EQ(under_test_->CountSessions(), round + 1);
  }
}

TEST_P(UserStoreConformance, ConcurrentRegistrationsOfManyEmailsWithOneRequestIdMakeOneUser) {
  for (int round = 0; round < kRounds; ++round) {
    const Uuid request_id = Uuid::NewV7(Now());
    std::vector<NewUser> users;
    for (int i = 0; i < kCallers; ++i) {
      users.push_back(
          MakeNewUser(std::to_string(round) + "-" + std::to_string(i) + "@example.com"));
      users.back().request_id = request_id;
    }
    const std::vector<RegisterResult> results = RegisterTogether(users);
    ASSERT_EQ(Count(results, Kind::kCreated), 1);
    ASSERT_EQ(Count(results, Kind::kRequestIdSeen), kCallers - 1);
    EXPECT_EQ(under_test_->CountUsers(), round + 1);
  }
}

TEST_P(UserStoreConformance, ConcurrentRandomMixesAgreeWithWhatIsStored) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr int kMixCallers = 60;
  int users_before = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Uuid> request_ids(8);
    for (Uuid& id : request_ids) id = Uuid::NewV7(Now());
    std::vector<NewUser> users;
    for (int i = 0; i < kMixCallers; ++i) {
      users.push_back(
          MakeNewUser(std::to_string(round) + "-" + std::to_string(random() % 8) + "@example.com"));
      // One in four has none; one in six repeats another call, ids and all.
      if (random() % 4 != 0) users.back().request_id = request_ids[random() % 8];
      if (i > 0 && random() % 6 == 0) users.back() = users[random() % users.size()];
    }
    const std::vector<RegisterResult> results = RegisterTogether(users);
    std::set<Uuid> created;
    for (size_t i = 0; i < users.size(); ++i) {
      const auto owner = store().FindUserByEmailKey(Soon(), users[i].email_key);
      ASSERT_THAT(owner, IsOk());
      switch (results[i].kind) {
        case Kind::kCreated:
          ASSERT_TRUE(owner->has_value());
          EXPECT_EQ((*owner)->user.id, users[i].id);
          created.insert(users[i].id);
          break;
        case Kind::kEmailTaken:
          ASSERT_TRUE(owner->has_value());
          EXPECT_NE((*owner)->user.id, users[i].id);
          break;
        case Kind::kRequestIdSeen:
          EXPECT_NE(results[i].existing.value().user.id, users[i].id);
          break;
      }
    }
    EXPECT_EQ(under_test_->CountUsers() - users_before, static_cast<int>(created.size()));
    users_before = under_test_->CountUsers();
    EXPECT_EQ(under_test_->CountSessions(), users_before);
  }
}

}  // namespace auth::testing
