#include "tests/support/server/registration_load.h"

#include <grpcpp/grpcpp.h>

#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace auth::testing {
namespace {

template <typename Detail>
std::optional<Detail> DetailOf(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return std::nullopt;
  for (const google::protobuf::Any& any : details.details()) {
    Detail detail;
    if (any.UnpackTo(&detail)) return detail;
  }
  return std::nullopt;
}

}  // namespace

std::unique_ptr<v1::AuthService::Stub> NewPlainStub(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return v1::AuthService::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
}

std::string NewRequestId(std::mt19937_64* random) {
  const uint64_t high = (*random)();
  const uint64_t low = (*random)();
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%012x", high >> 32, (high >> 16) & 0xffff,
                         high & 0xfff, 0x8000 | ((low >> 48) & 0x3fff), low & 0xffffffffffff);
}

RegisterAttempt Register(v1::AuthService::Stub* stub, const std::string& email,
                         const std::string& request_id, std::chrono::milliseconds timeout) {
  RegisterAttempt attempt;
  attempt.request.set_email(email);
  attempt.request.set_password(kGoodPassword);
  attempt.request.set_request_id(request_id);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  attempt.status = stub->Register(&context, attempt.request, &attempt.response);
  return attempt;
}

std::string ReasonOf(const grpc::Status& status) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  return info.has_value() ? info->reason() : "";
}

std::chrono::milliseconds RetryDelayOf(const grpc::Status& status) {
  const auto retry = DetailOf<google::rpc::RetryInfo>(status);
  if (!retry.has_value()) return std::chrono::milliseconds(0);
  return std::chrono::seconds(retry->retry_delay().seconds()) +
         std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::nanoseconds(retry->retry_delay().nanos()));
}

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
