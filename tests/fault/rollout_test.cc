// Every server is replaced, again and again, under load, as a Deployment of Kubernetes does it.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/client_load.h"
#include "tests/support/server/deployment.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::seconds;

TEST(Rollout, NobodyNoticesThatEveryServerIsReplaced) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  const Deployment::Revision revision{.flags = WithCheapHashing({"--database-url=" + url})};
  Deployment deployment(3, revision);
  History history;
  ClientLoad load({.channel = {.target = deployment.target(), .allow_plaintext = true}}, "rollout",
                  &history);

  const int rounds = kAddressSanitizer ? 2 : ShortOrLong(10, 100);
  for (int round = 0; round < rounds; ++round) deployment.Roll(revision);
  load.Stop();
  std::printf("%d rollouts of 3 servers: %ld calls OK, %ld failed, the slowest took %ld ms\n",
              rounds, load.ok(), load.failed(), load.slowest().count());
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(deployment.address(), url, &history, seconds(5));
}

}  // namespace
}  // namespace auth::testing
