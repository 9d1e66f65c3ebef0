// auth_server itself is killed under load, and a new one takes its place: callers who repeat with
// the same request_id get what they asked for, once.

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pool/mutex.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kClients = 8;

// Where the service is now.
class Address {
 public:
  void Set(const std::string& address) {
    MutexLock lock(&mutex_);
    address_ = address;
  }
  std::string Get() const {
    MutexLock lock(&mutex_);
    return address_;
  }

 private:
  mutable Mutex mutex_;
  std::string address_ ABSL_GUARDED_BY(mutex_);
};

// Registers one user after the other, each until it is answered OK, and then once more; every
// second one signs out.
class StubbornClients {
 public:
  StubbornClients(const Address* address, History* history) : address_(address), history_(history) {
    for (int client = 0; client < kClients; ++client) {
      threads_.emplace_back([this, client] { Run(client); });
    }
  }
  ~StubbornClients() { Stop(); }

  // Returns when every registration that was begun is done.
  void Stop() {
    stop_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  int64_t ok() const { return ok_; }
  int64_t cut() const { return cut_; }

 private:
  void Run(int client) {
    std::mt19937_64 random = TestRandom(absl::StrCat("client-", client));
    for (int n = 0; !stop_; ++n) {
      const std::string email = absl::StrCat("kill-", client, "-", n, "@example.com");
      const std::string request_id = NewRequestId(&random);
      const v1::Session session = Persist(email, request_id);
      Persist(email, request_id);
      if (n % 2 == 0) EndSession(session);
      ++ok_;
    }
  }

  // The session that was answered; empty if the test has failed.
  v1::Session Persist(const std::string& email, const std::string& request_id) {
    for (;;) {
      const auto stub = NewPlainStub(address_->Get());
      const RegisterAttempt attempt = Register(stub.get(), email, request_id, seconds(15));
      history_->Record(attempt);
      if (attempt.status.ok()) return attempt.response.session();
      if (!WasCut(attempt.status)) return {};
    }
  }

  // An acknowledged sign-out must survive every kill.
  void EndSession(const v1::Session& session) {
    for (;;) {
      const auto stub = NewPlainStub(address_->Get());
      const grpc::Status status = SignOut(stub.get(), session.session_token(), seconds(15));
      history_->RecordSignOut(session.id(), status);
      if (status.ok() || !WasCut(status)) return;
    }
  }

  // Whether a call failed as one may whose server was killed; pauses before the next.
  bool WasCut(const grpc::Status& status) {
    ++cut_;
    const bool unavailable = status.error_code() == grpc::StatusCode::UNAVAILABLE;
    EXPECT_TRUE(unavailable) << status.error_message();
    if (unavailable) LetPass(milliseconds(20));
    return unavailable;
  }

  const Address* const address_;
  History* const history_;
  std::atomic<bool> stop_ = false;
  std::atomic<int64_t> ok_ = 0;
  std::atomic<int64_t> cut_ = 0;
  std::vector<std::thread> threads_;
};

TEST(ServerKill, RepeatsConvergeToOneUser) {
  std::mt19937_64 random(TestSeed());
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  const std::vector<std::string> flags = WithCheapHashing({"--database-url=" + url});
  Address address;
  std::optional<AuthServerProcess> server;
  const auto start = [&] {
    auto started = AuthServerProcess::Start(flags);
    ASSERT_THAT(started, IsOk());
    server.emplace(*std::move(started));
    address.Set(server->grpc_address());
  };
  ASSERT_NO_FATAL_FAILURE(start());
  History history;
  StubbornClients clients(&address, &history);

  const int kills = ShortOrLong(10, 100);
  for (int kill = 0; kill < kills; ++kill) {
    const int64_t before = clients.ok();
    ASSERT_TRUE(Eventually([&] { return clients.ok() > before; }, seconds(30)));
    LetPass(milliseconds(random() % 300));
    server->Signal(SIGKILL);
    ASSERT_EQ(server->WaitForExit(), 128 + SIGKILL);
    ASSERT_NO_FATAL_FAILURE(start());
  }
  clients.Stop();
  std::printf("%d kills, %ld users registered, %ld calls cut or refused\n", kills, clients.ok(),
              clients.cut());
  EXPECT_GE(clients.cut(), kills) << "the kills must hit";
  ExpectServiceRestored(server->grpc_address(), url, &history, seconds(10));
}

}  // namespace
}  // namespace auth::testing
