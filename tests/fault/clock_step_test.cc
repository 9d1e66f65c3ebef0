// The machine's wall clock is set, an hour ahead and an hour back, under load: by an operator, or
// by NTP after a suspend. Nothing but stored times may notice.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/mixed_load.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

// libfaketime, as Debian installs it.
std::string FakeTimeLibrary() {
  for (const auto& folder : std::filesystem::directory_iterator("/usr/lib")) {
    const std::filesystem::path library = folder.path() / "faketime/libfaketimeMT.so.1";
    if (std::filesystem::exists(library)) return library;
  }
  throw std::runtime_error("libfaketime is not installed: run deploy/install-deps --tests");
}

// The wall clock of a process that is started with its environment.
class WallClock {
 public:
  WallClock() { Set(hours(0)); }

  // From the next look at the clock.
  void Set(hours ahead) {
    directory_.Write(kFile, absl::StrCat(ahead.count() < 0 ? "" : "+", ahead.count(), "h\n"));
  }

  std::vector<std::string> Environment() const {
    return {"LD_PRELOAD=" + FakeTimeLibrary(),
            "FAKETIME_TIMESTAMP_FILE=" + (directory_.path() / kFile).string(),
            "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"};
  }

 private:
  static constexpr char kFile[] = "faketime";
  const TemporaryDirectory directory_;
};

TEST(ClockStep, OnlyStoredTimesNotice) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  WallClock clock;
  auto server = AuthServerProcess::Start(
      WithCheapHashing(
          {"--database-url=" + url, "--pool-min-connections=4", "--pool-idle-timeout=1h"}),
      clock.Environment());
  ASSERT_THAT(server, IsOk());
  History history;
  MixedLoad load(server->grpc_address(), {}, &history);
  std::vector<pid_t> sessions;
  ASSERT_TRUE(Eventually([&] {
    sessions = postgres.BackendPids();
    return sessions.size() >= 4;
  }));

  for (int round = 0; round < ShortOrLong(1, 100); ++round) {
    for (const hours ahead : {hours(1), hours(0), hours(-1), hours(0)}) {
      clock.Set(ahead);
      LetPass(seconds(2));
    }
  }
  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.failures();
  std::vector<pid_t> at_the_end = postgres.BackendPids();
  std::sort(sessions.begin(), sessions.end());
  std::sort(at_the_end.begin(), at_the_end.end());
  EXPECT_TRUE(std::includes(at_the_end.begin(), at_the_end.end(), sessions.begin(), sessions.end()))
      << "no connection was closed";

  SqlConnection database(url);
  for (const char* hour : {"now() + '59 min' AND now() + '61 min'",
                           "now() - '61 min'::interval AND now() - '59 min'::interval"}) {
    EXPECT_GT(std::stoi(database.QueryValue(
                  absl::StrCat("SELECT count(*) FROM users WHERE created_at BETWEEN ", hour))),
              0)
        << "the clock was set";
  }
  ExpectServiceRestored(server->grpc_address(), url, &history, seconds(5));
}

}  // namespace
}  // namespace auth::testing
