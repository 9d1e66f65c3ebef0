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

// Passes the label on: a Connection that does not know it would run the statement without.
TEST_F(NotingConnectionTest, KeepsTheLabel) {
  class Labelled final : public Connection {
   public:
    explicit Labelled(std::vector<std::string>* labels) : labels_(labels) {}
    SocketState Peek() noexcept override { return SocketState::kQuiet; }
    absl::Status Ping(MonotonicTime) override { return absl::OkStatus(); }
    absl::StatusOr<QueryResult> Execute(MonotonicTime, const Statement&, const Params&) override {
      return QueryResult{};
    }
    absl::StatusOr<QueryResult> ExecuteLabelled(MonotonicTime, const std::string& label,
                                                const Statement&, const Params&) override {
      labels_->push_back(label);
      return QueryResult{};
    }
    absl::Status ExecuteScript(MonotonicTime, const std::string&) override {
      return absl::OkStatus();
    }
    absl::Status Begin(MonotonicTime) override { return absl::OkStatus(); }
    absl::Status Commit(MonotonicTime) override { return absl::OkStatus(); }
    absl::Status Rollback(MonotonicTime) override { return absl::OkStatus(); }
    WallTime DatabaseTime(MonotonicTime) const override { return {}; }
    absl::Status RefreshDatabaseTime(MonotonicTime) override { return absl::OkStatus(); }
    void Cut() noexcept override {}

   private:
    std::vector<std::string>* const labels_;
  };
  std::vector<std::string> labels;
  NotingConnection connection(std::make_unique<Labelled>(&labels), &answered_);
  EXPECT_THAT(connection.ExecuteLabelled(deadline_, "me", kStatement, {}), IsOk());
  EXPECT_EQ(labels, std::vector<std::string>{"me"});
}

}  // namespace
}  // namespace auth::pool
