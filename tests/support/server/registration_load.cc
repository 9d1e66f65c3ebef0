#include "tests/support/server/registration_load.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kLeastAsked = 0.9;

}  // namespace

RegistrationLoad::RegistrationLoad(const std::string& address, Options options, Observer observer)
    : options_(std::move(options)),
      observer_(std::move(observer)),
      asked_(static_cast<size_t>(options_.clients)) {
  for (int client = 0; client < options_.clients; ++client) {
    clients_.emplace_back([this, address, client] { RunClient(address, client); });
  }
}

void RegistrationLoad::Stop() {
  if (stop_.exchange(true)) return;
  for (std::thread& client : clients_) client.join();
  ExpectAllAskedAlways();
}

void RegistrationLoad::ExpectAllAskedAlways() const {
  for (size_t client = 0; client < asked_.size(); ++client) {
    EXPECT_GE(asked_[client], kLeastAsked)
        << "client " << client << " was kept from asking: the load was not what was meant";
  }
}

std::string RegistrationLoad::failures() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return failures_;
}

void RegistrationLoad::RunClient(const std::string& address, int client) {
  const auto stub = NewPlainStub(address);
  std::mt19937_64 random = TestRandom(absl::StrCat(options_.email_prefix, "-", client));
  Clock::duration asking{};
  for (int n = 0; !stop_; ++n) {
    const auto sent = Clock::now();
    const RegisterAttempt attempt = Register(
        stub.get(), absl::StrCat(options_.email_prefix, "-", client, "-", n, "@example.com"),
        options_.with_request_id ? NewRequestId(&random) : "", options_.timeout);
    asking += Clock::now() - sent;
    if (attempt.status.ok()) {
      ++ok_;
    } else if (++failed_ <= 5) {
      std::lock_guard<std::mutex> lock(mutex_);
      absl::StrAppend(&failures_, attempt.status.error_code(), " ", ReasonOf(attempt.status), ": ",
                      attempt.status.error_message(), "\n");
    }
    if (observer_) observer_(attempt);
  }
  asked_[static_cast<size_t>(client)] =
      std::chrono::duration<double>(asking) / std::chrono::duration<double>(Clock::now() - began_);
}

}  // namespace auth::testing
