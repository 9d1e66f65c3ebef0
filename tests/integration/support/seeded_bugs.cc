#include "tests/integration/support/seeded_bugs.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_replace.h"
#include "pool/sql_error.h"
#include "server/account/errors.h"
#include "server/store/sql_codec.h"
#include "server/store/statements.h"

namespace auth::testing {
namespace {

using account::NewUser;
using account::RegisterResult;
using account::Uuid;
using pool::Connection;
using pool::Effect;
using pool::Statement;
using Kind = account::RegisterResult::Kind;

constexpr char kUniqueViolation[] = "23505";

pool::Params RegisterParams(const NewUser& user, WallTime deadline) {
  using store::Encode;
  return {Encode(user.id),
          user.email,
          user.email_key,
          user.password_hash,
          Encode(user.request_id),
          Encode(user.created_at),
          Encode(user.session.id),
          Encode(user.session.token_hash),
          Encode(user.session.expires_at),
          Encode(user.event_id),
          Encode(deadline)};
}

// Whether `statement`, of the parameters and the answer of register_user, stored the user.
absl::StatusOr<bool> Insert(MonotonicTime deadline, Connection& connection,
                            const Statement& statement, const NewUser& user) {
  const auto answer = connection.Execute(deadline, statement,
                                         RegisterParams(user, connection.DatabaseTime(deadline)));
  if (!answer.ok()) return answer.status();
  return answer->rows.at(0).at(0) == "1";
}

// Another statement in the place of register_user.
class AlteredStatement : public StoreDecorator {
 public:
  AlteredStatement(const SoundParts& parts, std::string from, std::string to)
      : StoreDecorator(parts), sql_(absl::StrReplaceAll(store::kRegisterUser.sql, {{from, to}})) {}

  absl::StatusOr<RegisterResult> Register(const account::CallContext& call,
                                          const NewUser& user) override {
    bool stored = false;
    const absl::Status status =
        parts_.runner->Run(Effect::kIdempotent, call.deadline, [&](Connection& connection) {
          const auto inserted =
              Insert(call.deadline, connection, {kAlteredRegister, sql_.c_str()}, user);
          stored = inserted.value_or(false);
          return inserted.status();
        });
    if (const auto error = pool::GetSqlError(status);
        error && error->sqlstate == kUniqueViolation) {
      return RegisterResult{Kind::kEmailTaken, std::nullopt};
    }
    if (!status.ok()) return account::MakeError(account::Reason::kDatabaseUnavailable);
    if (stored) return RegisterResult{Kind::kCreated, std::nullopt};
    return parts_.store->Register(call, user);  // finds who is in the way
  }

 private:
  const std::string sql_;
};

class AcknowledgesBeforeCommit final : public StoreDecorator {
 public:
  using StoreDecorator::StoreDecorator;

  absl::StatusOr<RegisterResult> Register(const account::CallContext& call,
                                          const NewUser& user) override {
    bool stored = false;
    (void)parts_.runner->RunInTransaction(
        Effect::kIdempotent, call.deadline, [&](Connection& connection) {
          stored = Insert(call.deadline, connection, store::kRegisterUser, user).value_or(false);
          return absl::AbortedError("a crash between the answer and the commit");
        });
    if (stored) return RegisterResult{Kind::kCreated, std::nullopt};
    return parts_.store->Register(call, user);
  }
};

class RetriesWithNewIds final : public StoreDecorator {
 public:
  using StoreDecorator::StoreDecorator;

  absl::StatusOr<RegisterResult> Register(const account::CallContext& call,
                                          const NewUser& user) override {
    bool stored = false;
    const absl::Status status =
        parts_.runner->Run(Effect::kOnce, call.deadline, [&](Connection& connection) {
          const auto inserted = Insert(call.deadline, connection, store::kRegisterUser, user);
          stored = inserted.value_or(false);
          return inserted.status();
        });
    if (stored) return RegisterResult{Kind::kCreated, std::nullopt};
    if (status.ok()) return parts_.store->Register(call, user);
    NewUser again = user;
    again.id = again.session.user_id = Uuid::NewV7(user.created_at);
    again.session.id = Uuid::NewV7(user.created_at);
    again.event_id = Uuid::NewV7(user.created_at);
    return parts_.store->Register(call, again);
  }
};

class AnswersAnotherId final : public StoreDecorator {
 public:
  using StoreDecorator::StoreDecorator;

  absl::StatusOr<RegisterResult> Register(const account::CallContext& call,
                                          const NewUser& user) override {
    NewUser other = user;
    other.id = other.session.user_id = Uuid::NewV7(user.created_at);
    return parts_.store->Register(call, other);
  }
};

// Takes an address for a pattern, in which _ stands for any letter.
class LooksForSimilarAddresses final : public StoreDecorator {
 public:
  using StoreDecorator::StoreDecorator;

  absl::StatusOr<RegisterResult> Register(const account::CallContext& call,
                                          const NewUser& user) override {
    const bool taken =
        !parts_.database->Query("SELECT 1 FROM users WHERE email_key LIKE $1", {user.email_key})
             .empty();
    if (taken) return RegisterResult{Kind::kEmailTaken, std::nullopt};
    return parts_.store->Register(call, user);
  }
};

class KeepsEndedSessions final : public StoreDecorator {
 public:
  using StoreDecorator::StoreDecorator;

  absl::Status DeleteSession(const account::CallContext& /*call*/,
                             const account::TokenHash& /*token_hash*/) override {
    return absl::OkStatus();
  }
};

// Takes a registration for a sign-in besides.
class SignsInTwice final : public StoreDecorator {
 public:
  using StoreDecorator::StoreDecorator;

  absl::StatusOr<RegisterResult> Register(const account::CallContext& call,
                                          const NewUser& user) override {
    absl::StatusOr<RegisterResult> result = parts_.store->Register(call, user);
    account::NewSession more = user.session;
    more.id = Uuid::NewV7(user.created_at);
    more.token_hash.front() ^= 1;
    (void)parts_.store->AddSession(call, more, user.password_hash);
    return result;
  }
};

// Goes on with a write whose caller was told that there is no room for it.
class StoresWhatItRefused final : public StoreDecorator {
 public:
  using StoreDecorator::StoreDecorator;

  absl::StatusOr<RegisterResult> Register(const account::CallContext& call,
                                          const NewUser& user) override {
    if (refused_) (void)parts_.store->Register(call, *std::exchange(refused_, std::nullopt));
    absl::StatusOr<RegisterResult> result = parts_.store->Register(call, user);
    if (!result.ok()) refused_ = user;
    return result;
  }

 private:
  std::optional<NewUser> refused_;
};

// Leaves it to itself that a request_id and an address are there once, and does not look.
class WithoutUniqueIndexes final : public StoreDecorator {
 public:
  explicit WithoutUniqueIndexes(const SoundParts& parts) : StoreDecorator(parts) {
    parts_.database->Execute(
        "ALTER TABLE users DROP CONSTRAINT users_email_key_unique, "
        "DROP CONSTRAINT users_request_id_unique");
  }
};

template <typename Bug>
std::unique_ptr<account::UserStore> Make(const SoundParts& parts) {
  return std::make_unique<Bug>(parts);
}

auto MakeAltered(const char* from, const char* to) {
  return [from, to](const SoundParts& parts) {
    return std::make_unique<AlteredStatement>(parts, from, to);
  };
}

}  // namespace

const std::vector<SeededBug>& SeededBugs() {
  static const std::vector<SeededBug> bugs = {
      {"drops_on_conflict",
       "I3: operation 1 (ann@example.com) was told ALREADY_EXISTS, but the user with that e-mail "
       "is its own",
       MakeAltered("ON CONFLICT DO NOTHING", "")},
      {"acknowledges_before_commit", "I1: operation 4 (a_n@example.com) was told OK, but user",
       Make<AcknowledgesBeforeCommit>},
      {"retries_with_new_ids",
       "I3: operation 2 (cid@example.com) was told ALREADY_EXISTS, but the user with that e-mail "
       "is its own",
       Make<RetriesWithNewIds>},
      {"stores_the_user_alone", "I1: operation 1 (ann@example.com) was told OK, but session",
       MakeAltered("FROM new_user)", "FROM new_user WHERE false)")},
      {"answers_another_id", "I1: operation 1 (ann@example.com) was told OK, but user",
       Make<AnswersAnotherId>},
      {"answers_anothers_session", "I1: operation 2 (cid@example.com) was given session",
       MakeAltered("$7::uuid, id,",
                   "$7::uuid, coalesce((SELECT users.id FROM users LIMIT 1), id),")},
      {"looks_for_similar_addresses",
       "I3: operation 4 (a_n@example.com) was told ALREADY_EXISTS, but nobody has that e-mail",
       Make<LooksForSimilarAddresses>},
      {"signs_in_twice", "I1: user", Make<SignsInTwice>},
      {"keeps_ended_sessions", "I7: session", Make<KeepsEndedSessions>},
      {"stores_what_it_refused", "I6: user", Make<StoresWhatItRefused>},
      {"drops_unique_indexes", "I5: operation 1 (ann@example.com) was told OK with user",
       Make<WithoutUniqueIndexes>},
  };
  return bugs;
}

}  // namespace auth::testing
