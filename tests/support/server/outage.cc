#include "tests/support/server/outage.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kMostInASecond = 5;
constexpr int kMostASecondOnAverage = 4;
// A mean says nothing of a moment: the connects at its two ends.
constexpr int kAtTheEdges = 2;
constexpr milliseconds kNoticed(600);

}  // namespace

void ExpectOutageKeepsPace(const Outage& outage, const MixedLoad& load, const TcpGate& gate) {
  ASSERT_TRUE(Eventually(
      [&] { return load.FirstOkAfter(outage.over) != MixedLoad::TimePoint::max(); }, seconds(30)))
      << "nobody is served after the outage";
  const auto first_ok = load.FirstOkAfter(outage.over);
  const auto noticed = std::chrono::duration_cast<milliseconds>(first_ok - outage.over);

  const std::vector<TcpGate::TimePoint> connects = gate.AcceptedWithin(outage.began, outage.over);
  const auto length = std::chrono::duration<double>(outage.over - outage.began);
  const int most = MostWithin(connects, seconds(1));
  std::printf("away for %.2f s: %zu connects, %d in one second; first OK %ld ms after the return\n",
              length.count(), connects.size(), most, static_cast<long>(noticed.count()));
  EXPECT_LE(most, kMostInASecond);
  EXPECT_LE(static_cast<double>(connects.size()),
            kMostASecondOnAverage * length.count() + kAtTheEdges);
  EXPECT_LE(noticed, kNoticed);
}

void ExpectNoCallFailsThrough(
    int outages, const std::function<void(TestPostgres* postgres, int round)>& inflict) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  TcpGate gate(postgres.port());
  auto server = AuthServerProcess::Start(WithCheapHashing({"--database-url=" + gate.Through(url)}));
  ASSERT_THAT(server, IsOk());
  History history;
  MixedLoad load(server->grpc_address(), {}, &history);

  for (int round = 0; round < outages; ++round) {
    LetPass(seconds(1));
    Outage outage;
    outage.began = std::chrono::steady_clock::now();
    inflict(&postgres, round);
    outage.over = std::chrono::steady_clock::now();
    ExpectOutageKeepsPace(outage, load, gate);
  }
  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server->grpc_address(), url, &history, seconds(5));
}

}  // namespace auth::testing
