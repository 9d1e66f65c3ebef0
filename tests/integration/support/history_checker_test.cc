#include "tests/support/history_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Ids of one hexadecimal digit each.
std::string Id(char digit) { return std::string("00000000-0000-7000-8000-00000000000") + digit; }

// Tables without constraints, so that any damage can be planted; at first one sound registration:
// operation 1, user 1 (ann) by request 1 with session 1 and event 1.
class HistoryCheckerTest : public PostgresTest {
 protected:
  HistoryCheckerTest() : database_(postgres().CreateDatabase()) {
    database_.Execute(
        "CREATE TABLE users (id uuid, email_key text, request_id uuid, password_hash text);"
        "CREATE TABLE sessions (id uuid, user_id uuid);"
        "CREATE TABLE events (id uuid, user_id uuid, kind text)");
    StoreUser('1', "ann", Id('1'));
    StoreSession('1', '1');
    StoreEvent('1', '1');
    history_.Record(Ok(1, "ann", '1'));
  }

  void StoreUser(char id, const std::string& key, const std::string& request_id,
                 const std::string& password_hash = "hash") {
    database_.Execute("INSERT INTO users VALUES ($1, $2, nullif($3, '')::uuid, $4)",
                      {Id(id), key, request_id, password_hash});
  }
  void StoreSession(char id, char user) {
    database_.Execute("INSERT INTO sessions VALUES ($1, $2)", {Id(id), Id(user)});
  }
  void StoreEvent(char id, char user) {
    database_.Execute("INSERT INTO events VALUES ($1, $2, 'user.registered')", {Id(id), Id(user)});
  }

  // Answered with user and session `id`; its request_id is `id` too.
  static RegisterCall Ok(int64_t operation, const std::string& key, char id) {
    return {operation, key, Id(id), RegisterOutcome::kOk, Id(id), Id(id)};
  }
  static RegisterCall Failed(int64_t operation, const std::string& key, char request,
                             RegisterOutcome outcome) {
    return {operation, key, Id(request), outcome, "", ""};
  }

  std::vector<std::string> Check() { return history_.Check(database_); }

  SqlConnection database_;
  HistoryChecker history_;
};

TEST_F(HistoryCheckerTest, AcceptsWhatIsSound) {
  // A call without an answer that was durable, and one that was not.
  StoreUser('2', "bob", Id('2'));
  StoreSession('2', '2');
  StoreEvent('2', '2');
  history_.Record(Failed(2, "bob", '2', RegisterOutcome::kUnknown));
  history_.Record(Failed(3, "cid", '3', RegisterOutcome::kUnknown));
  // A repetition that got a fresh session, a rival, a conflict, a refusal.
  StoreSession('4', '1');
  RegisterCall again = Ok(1, "ann", '1');
  again.session_id = Id('4');
  history_.Record(again);
  history_.Record(Failed(5, "ann", '5', RegisterOutcome::kAlreadyExists));
  history_.Record(Failed(6, "bob", '6', RegisterOutcome::kAlreadyExists));
  history_.Record(Failed(7, "eve", '1', RegisterOutcome::kRequestIdConflict));
  history_.Record(Failed(8, "x", '8', RegisterOutcome::kNoTrace));
  // Registered without a request_id.
  StoreUser('9', "joe", "");
  StoreSession('9', '9');
  StoreEvent('9', '9');
  RegisterCall plain = Ok(9, "joe", '9');
  plain.request_id.clear();
  history_.Record(plain);
  EXPECT_THAT(Check(), IsEmpty());
}

TEST_F(HistoryCheckerTest, FindsALostUser) {
  database_.Execute("DELETE FROM users; DELETE FROM sessions; DELETE FROM events");
  EXPECT_THAT(Check(), ElementsAre("I1: operation 1 (ann) was told OK, but user " + Id('1') +
                                   " does not exist"));
}

TEST_F(HistoryCheckerTest, FindsASessionThatNobodyWasGiven) {
  StoreSession('2', '1');
  EXPECT_THAT(Check(), ElementsAre("I1: user " + Id('1') + " has session " + Id('2') +
                                   ", which nobody was given"));
}

TEST_F(HistoryCheckerTest, ASessionMayBeThatOfACallWithoutAnAnswer) {
  StoreSession('2', '1');
  history_.Record(Failed(1, "ann", '1', RegisterOutcome::kUnknown));
  EXPECT_THAT(Check(), IsEmpty());
}

TEST_F(HistoryCheckerTest, FindsALostSession) {
  StoreSession('2', '1');
  history_.RecordSignIn(Id('2'));
  database_.Execute("DELETE FROM sessions WHERE id = $1", {Id('1')});
  EXPECT_THAT(Check(), ElementsAre("I1: operation 1 (ann) was told OK, but session " + Id('1') +
                                   " does not exist"));
}

TEST_F(HistoryCheckerTest, FindsAnothersSession) {
  StoreUser('2', "bob", Id('2'));
  StoreEvent('2', '2');
  history_.Record(Failed(2, "bob", '2', RegisterOutcome::kUnknown));
  database_.Execute("UPDATE sessions SET user_id = $1", {Id('2')});
  EXPECT_THAT(Check(), UnorderedElementsAre(HasSubstr("I1: operation 1 (ann) was given session"),
                                            HasSubstr("(ann) has no session")));
}

TEST_F(HistoryCheckerTest, AcceptsEitherOutcomeOfASignOutInDoubt) {
  history_.RecordSignOutInDoubt(Id('1'));
  EXPECT_THAT(Check(), IsEmpty()) << "it is still there";
  database_.Execute("DELETE FROM sessions");
  EXPECT_THAT(Check(), IsEmpty()) << "it is gone";
}

TEST_F(HistoryCheckerTest, FindsALossThatASignOutInDoubtDoesNotExplain) {
  StoreSession('2', '1');
  RegisterCall again = Ok(1, "ann", '1');
  again.session_id = Id('2');
  history_.Record(again);
  history_.RecordSignOutInDoubt(Id('2'));
  database_.Execute("DELETE FROM sessions WHERE id = $1", {Id('1')});
  EXPECT_THAT(Check(), ElementsAre("I1: operation 1 (ann) was told OK, but session " + Id('1') +
                                   " does not exist"));
}

TEST_F(HistoryCheckerTest, FindsALostEventAndADoubledOne) {
  database_.Execute("DELETE FROM events");
  EXPECT_THAT(Check(), ElementsAre("I4: user " + Id('1') + " (ann) has no event"));
  StoreEvent('1', '1');
  StoreEvent('2', '1');
  EXPECT_THAT(Check(), ElementsAre("I1: user " + Id('1') + " (ann) has 2 events"));
}

TEST_F(HistoryCheckerTest, FindsALostCredential) {
  database_.Execute("UPDATE users SET password_hash = ''");
  EXPECT_THAT(Check(), ElementsAre("I4: user " + Id('1') + " (ann) has no credential"));
}

TEST_F(HistoryCheckerTest, FindsAnotherEmailOrRequestIdThanAnswered) {
  database_.Execute("UPDATE users SET email_key = 'anne'");
  EXPECT_THAT(Check(), UnorderedElementsAre(HasSubstr("has the e-mail key anne"),
                                            HasSubstr("I2: nobody tried to register")));
  database_.Execute("UPDATE users SET email_key = 'ann', request_id = $1", {Id('2')});
  EXPECT_THAT(Check(),
              UnorderedElementsAre(HasSubstr("has the request_id '" + Id('2')), HasSubstr("I6: ")));
}

TEST_F(HistoryCheckerTest, FindsADoubledUser) {
  StoreUser('2', "ann", Id('1'));
  StoreSession('2', '2');
  StoreEvent('2', '2');
  EXPECT_THAT(Check(), UnorderedElementsAre(HasSubstr("I2: user " + Id('1')),
                                            HasSubstr("I2: user " + Id('2')),
                                            HasSubstr("I6: user " + Id('2'))));
}

TEST_F(HistoryCheckerTest, FindsARowTwice) {
  StoreUser('1', "ann", Id('1'));
  EXPECT_THAT(Check(), ::testing::Contains("I1: user " + Id('1') + " exists twice"));
}

TEST_F(HistoryCheckerTest, FindsAUserNobodyAskedFor) {
  StoreUser('2', "bob", Id('2'));
  StoreSession('2', '2');
  StoreEvent('2', '2');
  EXPECT_THAT(Check(), ElementsAre("I2: nobody tried to register user " + Id('2') + " (bob)"));
}

TEST_F(HistoryCheckerTest, FindsATraceOfARefusal) {
  StoreUser('2', "bob", Id('2'));
  StoreSession('2', '2');
  StoreEvent('2', '2');
  history_.Record(Failed(2, "bob", '2', RegisterOutcome::kNoTrace));
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("I6: user " + Id('2'))));
}

TEST_F(HistoryCheckerTest, FindsAUserOfAnotherRequestOnTheSameEmail) {
  StoreUser('2', "bob", Id('2'));
  StoreSession('2', '2');
  StoreEvent('2', '2');
  history_.Record(Failed(3, "bob", '3', RegisterOutcome::kUnknown));
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("I6: user " + Id('2'))));
}

TEST_F(HistoryCheckerTest, FindsAlreadyExistsOfNobody) {
  history_.Record(Failed(2, "bob", '2', RegisterOutcome::kAlreadyExists));
  history_.Record(Failed(3, "bob", '3', RegisterOutcome::kAlreadyExists));
  EXPECT_THAT(
      Check(),
      ElementsAre("I3: operation 2 (bob) was told ALREADY_EXISTS, but nobody has that e-mail",
                  "I3: operation 3 (bob) was told ALREADY_EXISTS, but nobody has that e-mail"));
}

TEST_F(HistoryCheckerTest, FindsAlreadyExistsFromAnOwnInDoubtCommit) {
  StoreUser('2', "bob", Id('2'));
  StoreSession('2', '2');
  StoreEvent('2', '2');
  history_.Record(Failed(2, "bob", '2', RegisterOutcome::kUnknown));
  history_.Record(Failed(2, "bob", '2', RegisterOutcome::kAlreadyExists));
  EXPECT_THAT(Check(), ElementsAre("I3: operation 2 (bob) was told ALREADY_EXISTS, but the user "
                                   "with that e-mail is its own"));
}

TEST_F(HistoryCheckerTest, FindsAlreadyExistsThatLeftAUser) {
  StoreUser('2', "bob", Id('2'));
  StoreSession('2', '2');
  StoreEvent('2', '2');
  history_.Record(Failed(2, "bob", '2', RegisterOutcome::kAlreadyExists));
  EXPECT_THAT(Check(), UnorderedElementsAre(HasSubstr("I3: operation 2"), HasSubstr("I6: user")));
}

TEST_F(HistoryCheckerTest, FindsAConflictWithNobody) {
  history_.Record(Failed(2, "bob", '2', RegisterOutcome::kRequestIdConflict));
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("nobody has the request_id " + Id('2'))));
}

TEST_F(HistoryCheckerTest, FindsOrphans) {
  StoreSession('2', '2');
  StoreEvent('3', '3');
  EXPECT_THAT(Check(), ElementsAre("I4: session " + Id('2') + " has no user " + Id('2'),
                                   "I4: event " + Id('3') + " has no user " + Id('3')));
}

TEST_F(HistoryCheckerTest, FindsARepetitionThatDidNotConverge) {
  StoreUser('2', "ann", Id('1'));
  StoreSession('2', '2');
  StoreEvent('2', '2');
  RegisterCall again = Ok(1, "ann", '2');
  again.request_id = Id('1');
  history_.Record(again);
  EXPECT_THAT(Check(),
              ::testing::Contains(HasSubstr("I5: operation 1 (ann) was told OK with user " +
                                            Id('2') + " and with " + Id('1'))));
}

TEST_F(HistoryCheckerTest, FindsTwoOperationsWithOneUser) {
  RegisterCall thief = Ok(2, "ann", '1');
  history_.Record(thief);
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("I1: operation 2 (ann) was given user")));
}

TEST_F(HistoryCheckerTest, FindsASessionThatOutlivedItsSignOut) {
  history_.RecordSignOut(Id('1'));
  EXPECT_THAT(Check(), ElementsAre("I7: session " + Id('1') + " was ended, but is there"));
  database_.Execute("DELETE FROM sessions");
  EXPECT_THAT(Check(), IsEmpty());
}

TEST_F(HistoryCheckerTest, IgnoresWhoWasThereBefore) {
  StoreUser('2', "bob", "");
  history_.IgnoreExisting(database_);
  history_.Record(Failed(2, "bob", '2', RegisterOutcome::kAlreadyExists));
  EXPECT_THAT(Check(), IsEmpty());
}

TEST_F(HistoryCheckerTest, RecordsFromManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 250; ++i) {
        history_.Record(Failed(1000 * t + i, "nobody", '2', RegisterOutcome::kAlreadyExists));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Check().size(), 1000u);
}

}  // namespace
}  // namespace auth::testing
