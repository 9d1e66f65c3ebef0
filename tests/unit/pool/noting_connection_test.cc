#include "pool/noting_connection.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/scripted_connection.h"
#include "tests/support/status_matchers.h"

namespace auth::pool {
namespace {

using testing::Call;
using testing::IsOk;
using testing::SqlFailure;

constexpr Statement kStatement{"probe", "SELECT 1"};

class NotingConnectionTest : public ::testing::Test {
 protected:
  NotingConnectionTest() {
    auto connection = factory_->Connect(deadline_);
    EXPECT_THAT(connection, IsOk());
    connection_ = std::make_unique<NotingConnection>(*std::move(connection), &answered_);
  }

  testing::FakeClock clock_;
  testing::ScriptedDatabase database_{&clock_};
  const MonotonicTime deadline_ = clock_.Monotonic() + std::chrono::seconds(1);
  const std::unique_ptr<ConnectionFactory> factory_ = database_.MakeFactory();
  bool answered_ = false;
  std::unique_ptr<NotingConnection> connection_;
};

TEST_F(NotingConnectionTest, EveryCallThatIsAnsweredCounts) {
  const std::pair<Call, std::function<absl::Status()>> calls[] = {
      {Call::kPing, [&] { return connection_->Ping(deadline_); }},
      {Call::kExecute, [&] { return connection_->Execute(deadline_, kStatement, {}).status(); }},
      {Call::kExecute,
       [&] { return connection_->ExecuteLabelled(deadline_, "me", kStatement, {}).status(); }},
      {Call::kExecuteScript, [&] { return connection_->ExecuteScript(deadline_, "SELECT 1"); }},
      {Call::kBegin, [&] { return connection_->Begin(deadline_); }},
      {Call::kCommit, [&] { return connection_->Commit(deadline_); }},
      {Call::kRollback, [&] { return connection_->Rollback(deadline_); }},
      {Call::kRefreshTime, [&] { return connection_->RefreshDatabaseTime(deadline_); }},
  };
  for (const auto& [call, make] : calls) {
    SCOPED_TRACE(static_cast<int>(call));
    for (const absl::Status& silence : {SqlFailure("57P01"), SqlFailure(SqlFault::kDeadline)}) {
      answered_ = false;
      database_.Queue(call, silence);
      EXPECT_EQ(make(), silence);
      EXPECT_FALSE(answered_);
    }
    for (const absl::Status& answer : {absl::OkStatus(), SqlFailure("23505")}) {
      answered_ = false;
      database_.Queue(call, answer);
      EXPECT_EQ(make(), answer);
      EXPECT_TRUE(answered_);
    }
  }
}

TEST_F(NotingConnectionTest, SilenceTakesNoAnswerBack) {
  EXPECT_THAT(connection_->Ping(deadline_), IsOk());
  database_.session(0).Kill();
  EXPECT_FALSE(connection_->Ping(deadline_).ok());
  EXPECT_TRUE(answered_);
}

TEST_F(NotingConnectionTest, WhatAsksNothingIsNoAnswer) {
  EXPECT_EQ(connection_->Peek(), SocketState::kQuiet);
  EXPECT_EQ(connection_->DatabaseTime(clock_.Monotonic()), clock_.Now());
  connection_->Cut();
  EXPECT_EQ(connection_->Peek(), SocketState::kDead);
  EXPECT_FALSE(answered_);
}

// A Connection that does not pass the label on would run the statement without.
TEST_F(NotingConnectionTest, KeepsTheLabel) {
  EXPECT_THAT(connection_->ExecuteLabelled(deadline_, "me", kStatement, {}), IsOk());
  EXPECT_EQ(database_.log(), std::vector<std::string>{"0 EXECUTE probe me"});
}

}  // namespace
}  // namespace auth::pool
