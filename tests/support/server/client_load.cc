#include "tests/support/server/client_load.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/errors.h"
#include "client/request_id.h"
#include "tests/support/eventually.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kUsers = 8;
constexpr milliseconds kPause(40);
constexpr double kLeastCallsPerSecond = 50;
constexpr int kValidations = 4;

std::unique_ptr<client::AuthClient> MakeClient(const client::AuthClientOptions& options) {
  absl::StatusOr<std::unique_ptr<client::AuthClient>> client = client::MakeAuthClient(options);
  if (!client.ok()) throw std::runtime_error(std::string(client.status().message()));
  return *std::move(client);
}

}  // namespace

ClientLoad::ClientLoad(const client::AuthClientOptions& options, std::string name, History* history)
    : name_(std::move(name)), history_(history), client_(MakeClient(options)) {
  for (int user = 0; user < kUsers; ++user) {
    users_.emplace_back([this, user] { RunUser(user); });
  }
}

void ClientLoad::Stop() {
  if (stop_.exchange(true)) return;
  for (std::thread& user : users_) user.join();
  const double seconds = std::chrono::duration<double>(steady_clock::now() - began_).count();
  EXPECT_GE(static_cast<double>(ok_ + failed_) / seconds, kLeastCallsPerSecond)
      << "the load was not what was meant";
}

std::string ClientLoad::failures() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return failures_;
}

void ClientLoad::RunUser(int user) {
  for (int round = 0; !stop_; ++round) {
    const std::string token = Register(absl::StrCat(name_, "-", user, "-", round, "@example.com"));
    for (int i = 0; i < kValidations && !token.empty() && !stop_; ++i) {
      LetPass(kPause);
      const auto sent = steady_clock::now();
      Count(client_->ValidateSession(token).status(), sent);
    }
    LetPass(kPause);
  }
}

std::string ClientLoad::Register(const std::string& email) {
  RegisterAttempt attempt;
  attempt.request.set_email(email);
  attempt.request.set_request_id(client::NewRequestId());
  const auto sent = steady_clock::now();
  const absl::StatusOr<client::UserSession> answer = client_->Register(
      email, kGoodPassword, client::RegisterOptions{.request_id = attempt.request.request_id()});
  Count(answer.status(), sent);
  attempt.status = grpc::Status(static_cast<grpc::StatusCode>(answer.status().code()),
                                std::string(answer.status().message()));
  if (answer.ok()) {
    *attempt.response.mutable_user() = answer->user;
    *attempt.response.mutable_session() = answer->session;
  }
  history_->Record(attempt);
  return attempt.response.session().session_token();
}

void ClientLoad::Count(const absl::Status& status, steady_clock::time_point sent) {
  const int64_t took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - sent).count();
  for (int64_t slowest = slowest_ms_; took > slowest;) {
    if (slowest_ms_.compare_exchange_weak(slowest, took)) break;
  }
  if (status.ok()) {
    ++ok_;
  } else if (++failed_ <= 5) {
    std::lock_guard<std::mutex> lock(mutex_);
    absl::StrAppend(&failures_, status.ToString(), " after ", took, " ms\n");
  }
}

}  // namespace auth::testing
