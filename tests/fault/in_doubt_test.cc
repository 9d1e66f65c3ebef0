// The connection breaks around the one write of Register: the server never gets it, is still at
// work, or has done it and its answer is lost, whole or behind some bytes. Nobody but the database
// knows the outcome, and no caller may notice.

#include <gtest/gtest.h>

#include <cstdio>
#include <optional>
#include <string>

#include "tests/support/eventually.h"
#include "tests/support/postgres_gate.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/registration_load.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using Fault = PostgresGate::Fault;

constexpr char kWrite[] = "register_user";
constexpr int kUnlimited = 1'000'000;
constexpr std::chrono::minutes kPatience(4);

class InDoubt : public ::testing::TestWithParam<bool> {};

TEST_P(InDoubt, NoRegistrationFailsAndNoneIsLostOrDoubled) {
  const bool with_request_id = GetParam();
  const int64_t wanted = ShortOrLong(200, 1000);
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  PostgresGate gate(postgres.port(), TestSeed());
  auto server = AuthServerProcess::Start(
      WithCheapHashing({"--database-url=" + gate.tcp().Through(url), "--rate-limit=off"}));
  ASSERT_THAT(server, IsOk());
  History history;

  for (const Fault fault : {Fault::kCutBefore, Fault::kCutAfter}) {
    gate.Add({.request = kWrite, .fault = fault, .times = kUnlimited, .probability = 0.04});
  }
  gate.Add({.request = kWrite,
            .fault = Fault::kLoseReply,
            .times = kUnlimited,
            .probability = 0.4,
            .reply_bytes = std::nullopt});
  RegistrationLoad load(
      server->grpc_address(),
      {.clients = 16, .timeout = std::chrono::seconds(20), .with_request_id = with_request_id},
      [&](const RegisterAttempt& attempt) { history.Record(attempt); });
  EXPECT_TRUE(Eventually([&] { return gate.done(Fault::kLoseReply) >= wanted; }, kPatience));
  load.Stop();
  gate.ClearRules();

  const int64_t lost_replies = gate.done(Fault::kLoseReply);
  std::printf(
      "%ld registered, %ld failed; writes: %ld lost replies, %ld cut at work, %ld cut "
      "before\n",
      load.ok(), load.failed(), lost_replies, gate.done(Fault::kCutAfter),
      gate.done(Fault::kCutBefore));
  EXPECT_EQ(load.failed(), 0) << load.failures();
  EXPECT_GT(gate.done(Fault::kCutAfter), 0);
  EXPECT_GT(gate.done(Fault::kCutBefore), 0);
  // One call may meet several faults, and counts once.
  EXPECT_GT(server->Metric("auth_tx_in_doubt_total{resolution=\"replayed\"}"),
            static_cast<double>(lost_replies) / 4);
  EXPECT_EQ(server->Metric("auth_tx_in_doubt_total{resolution=\"unknown\"}"), 0);
  EXPECT_EQ(SqlConnection(url).QueryValue("SELECT count(*) FROM users"), std::to_string(load.ok()))
      << "one user for each answer, and no other";
  ExpectServiceRestored(server->grpc_address(), url, &history, std::chrono::seconds(10));
}

INSTANTIATE_TEST_SUITE_P(Register, InDoubt, ::testing::Bool(),
                         [](const ::testing::TestParamInfo<bool>& with_request_id) {
                           return with_request_id.param ? "WithRequestId" : "WithoutRequestId";
                         });

}  // namespace
}  // namespace auth::testing
