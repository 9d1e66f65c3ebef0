// The proof that the history checker works: eleven mistakes in the store, and each is found.

#include "tests/integration/support/seeded_bugs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "server/account/argon2_hasher.h"
#include "server/account/register_user.h"
#include "server/account/secret.h"
#include "server/account/sessions.h"
#include "tests/support/eventually.h"
#include "tests/support/fault_injector.h"
#include "tests/support/history_checker.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_store.h"

namespace auth::testing {
namespace {

using account::Reason;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kRequestId[] = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
constexpr char kAnotherRequestId[] = "017f22e2-79b0-7cc3-98c4-dc0c0c073990";
constexpr char kPassword[] = "correct horse battery staple";

RegisterOutcome OutcomeOf(const absl::Status& status) {
  if (status.ok()) return RegisterOutcome::kOk;
  switch (account::GetErrorDetails(status).reason) {
    case Reason::kEmailAlreadyRegistered:
      return RegisterOutcome::kAlreadyExists;
    case Reason::kRequestIdConflict:
      return RegisterOutcome::kRequestIdConflict;
    case Reason::kInvalidFields:
    case Reason::kOverloaded:
      return RegisterOutcome::kNoTrace;
    default:
      return RegisterOutcome::kUnknown;
  }
}

// The product's use cases on a store over a real PostgreSQL, of which a history is kept.
class SeededBugsTest : public PostgresTest {
 protected:
  using MakeStore = decltype(SeededBug::make);

  // Everything a client can meet: answers that are lost, a repetition, a rival, a look-alike, a
  // refusal of the input, one for want of room, a sign-out. Answers what the checker finds.
  std::vector<std::string> RunScenario(const MakeStore& make) {
    const std::string url = postgres().CreateDatabase();
    SqlConnection database(url);
    FaultInjector faults;
    pool::PoolOptions options;
    options.max_connections = 1;
    options.max_waiters = 1;
    TestStore sound(url, options, &faults);
    const auto store = make({&sound.store(), &sound.runner(), &database});
    account::AttemptLimiter limiter({}, &sound.clock());
    services_ = {store.get(), hasher_.get(), &policy_, &limiter, &sound.clock()};

    HistoryChecker history;
    const auto register_as = [&](int64_t operation, const std::string& email,
                                 const std::string& request_id = "",
                                 const std::string& password = kPassword) {
      const auto result = Register({email, account::Secret::CopyOf(password), request_id});
      RegisterCall call{operation, email, request_id, OutcomeOf(result.status()), "", ""};
      if (result.ok()) {
        call.user_id = result->user.id.ToString();
        call.session_id = result->session.id.ToString();
      }
      outcomes_.push_back(call.outcome);
      history.Record(call);
      return result;
    };
    LoseAnswer(&faults);
    (void)register_as(1, "ann@example.com", kRequestId);
    LoseAnswer(&faults);
    (void)register_as(2, "cid@example.com");
    (void)register_as(1, "ann@example.com", kRequestId);
    (void)register_as(3, "ann@example.com", kAnotherRequestId);
    (void)register_as(4, "a_n@example.com");
    (void)register_as(5, "eve@example.com", "", "password1");
    WithoutRoom(&sound, [&] { (void)register_as(6, "gus@example.com"); });
    const auto dan = register_as(7, "dan@example.com");
    if (dan.ok() && SignOut(dan->session_token).ok()) {
      history.RecordSignOut(dan->session.id.ToString());
    }
    return history.Check(database);
  }

  std::vector<RegisterOutcome> outcomes_;

 private:
  // The next registration is done, and nobody hears of it.
  static void LoseAnswer(FaultInjector* faults) {
    faults->LoseAnswer("register_user");
    faults->LoseAnswer(kAlteredRegister);
  }

  // While the only connection is lent and the only place in the queue is taken.
  static void WithoutRoom(TestStore* store, const std::function<void()>& action) {
    auto lent = store->pool().Acquire(store->In(std::chrono::seconds(10)));
    auto waiting = std::async(std::launch::async, [store] {
      return store->pool().Acquire(store->In(std::chrono::seconds(10)));
    });
    EXPECT_TRUE(Eventually([&] { return store->pool().Stats().waiters == 1; }));
    action();
    lent = absl::CancelledError("given back");
    EXPECT_TRUE(waiting.get().ok());
  }

  template <typename Operation>
  auto Drive(Operation operation) {
    const account::CallContext context{services_.clock->Monotonic() + std::chrono::seconds(30)};
    for (auto stage = operation.Begin(); stage != account::Stage::kDone;) {
      stage = operation.Run(context);
    }
    return operation.result();
  }
  absl::StatusOr<account::SignedIn> Register(account::RegisterUser::Request request) {
    return Drive(account::RegisterUser(&services_, std::move(request)));
  }
  absl::Status SignOut(const std::string& token) {
    return Drive(account::SignOut(&services_, token));
  }

  const std::unique_ptr<account::Argon2Hasher> hasher_ = *account::Argon2Hasher::Create(
      {.parameters = {.memory_kib = 64, .iterations = 1, .parallelism = 1}, .allow_weak = true});
  const account::PasswordPolicy policy_{{}};
  account::AccountServices services_;
};

TEST_F(SeededBugsTest, TheSoundStorePasses) {
  EXPECT_THAT(
      RunScenario([](const SoundParts& parts) { return std::make_unique<StoreDecorator>(parts); }),
      IsEmpty());
  EXPECT_THAT(outcomes_, ElementsAre(RegisterOutcome::kOk, RegisterOutcome::kOk,
                                     RegisterOutcome::kOk, RegisterOutcome::kAlreadyExists,
                                     RegisterOutcome::kOk, RegisterOutcome::kNoTrace,
                                     RegisterOutcome::kNoTrace, RegisterOutcome::kOk));
}

TEST_F(SeededBugsTest, ElevenOfElevenAreCaught) {
  int caught = 0;
  for (const SeededBug& bug : SeededBugs()) {
    const std::vector<std::string> findings = RunScenario(bug.make);
    const bool found = ::testing::Value(findings, Contains(StartsWith(bug.finding)));
    EXPECT_TRUE(found) << bug.name << ": " << ::testing::PrintToString(findings);
    caught += found ? 1 : 0;
  }
  std::printf("%d of %zu seeded bugs caught\n", caught, SeededBugs().size());
  EXPECT_EQ(caught, 11);
}

}  // namespace
}  // namespace auth::testing
