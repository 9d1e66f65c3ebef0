#include "tests/support/server/registration_load.h"

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"

namespace auth::testing {

RegistrationLoad::RegistrationLoad(const std::string& address, Options options, Observer observer)
    : options_(std::move(options)), observer_(std::move(observer)) {
  for (int client = 0; client < options_.clients; ++client) {
    clients_.emplace_back([this, address, client] { RunClient(address, client); });
  }
}

void RegistrationLoad::Stop() {
  stop_ = true;
  for (std::thread& client : clients_) {
    if (client.joinable()) client.join();
  }
}

std::string RegistrationLoad::failures() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return failures_;
}

void RegistrationLoad::RunClient(const std::string& address, int client) {
  const auto stub = NewPlainStub(address);
  std::mt19937_64 random(std::random_device{}());
  for (int n = 0; !stop_; ++n) {
    const RegisterAttempt attempt = Register(
        stub.get(), absl::StrCat(options_.email_prefix, "-", client, "-", n, "@example.com"),
        options_.with_request_id ? NewRequestId(&random) : "", options_.timeout);
    if (attempt.status.ok()) {
      ++ok_;
    } else if (++failed_ <= 5) {
      std::lock_guard<std::mutex> lock(mutex_);
      absl::StrAppend(&failures_, attempt.status.error_code(), " ", ReasonOf(attempt.status), ": ",
                      attempt.status.error_message(), "\n");
    }
    if (observer_) observer_(attempt);
  }
}

}  // namespace auth::testing
