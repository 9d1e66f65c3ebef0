#include "tests/support/server/calls.h"

#include <grpcpp/grpcpp.h>

#include <mutex>
#include <optional>

#include "absl/strings/str_format.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace auth::testing {
namespace {

constexpr std::chrono::seconds kConnectPatience(5);

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

// Connects one channel at a time; returns also if nobody listens. gRPC 1.51 reads the errno of its
// connect() only after it has taken a lock, and if it had to wait for that lock, errno is another
// by then: of some thousand connects beside others, one fails with "Invalid argument".
void Connect(grpc::Channel* channel) {
  static std::mutex one_at_a_time;
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  const auto deadline = std::chrono::system_clock::now() + kConnectPatience;
  for (;;) {
    const grpc_connectivity_state state = channel->GetState(true);
    if (state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_TRANSIENT_FAILURE) return;
    if (!channel->WaitForStateChange(state, deadline)) return;
  }
}

}  // namespace

std::unique_ptr<v1::AuthService::Stub> NewPlainStub(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const std::shared_ptr<grpc::Channel> channel =
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  Connect(channel.get());
  return v1::AuthService::NewStub(channel);
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

grpc::Status Validate(v1::AuthService::Stub* stub, const std::string& session_token,
                      std::chrono::milliseconds timeout) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  v1::ValidateSessionRequest request;
  request.set_session_token(session_token);
  v1::ValidateSessionResponse response;
  return stub->ValidateSession(&context, request, &response);
}

grpc::Status SignOut(v1::AuthService::Stub* stub, const std::string& session_token,
                     std::chrono::milliseconds timeout) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  v1::SignOutRequest request;
  request.set_session_token(session_token);
  v1::SignOutResponse response;
  return stub->SignOut(&context, request, &response);
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

}  // namespace auth::testing
