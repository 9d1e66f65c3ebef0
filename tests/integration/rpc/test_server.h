#pragma once

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "auth/v1/auth_service.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "server/account/errors.h"
#include "server/rpc/grpc_server.h"
#include "tests/support/gate.h"
#include "tests/support/in_memory_user_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace auth::rpc {

// The service token of an operator whom TestServer knows, and its SHA-256.
inline constexpr char kAdminToken[] = "admin-token";
inline constexpr char kAdminTokenHash[] =
    "10a4c7c9fc5206d6f36dc6944a81bb6f4a3cb0e25014ae3b12e6c3e52712292a";

// Hashes in no time, unless it is held.
class HeldHasher final : public account::PasswordHasher {
 public:
  absl::StatusOr<std::string> Hash(std::string_view password) override {
    gate.Pass();
    return absl::StrCat("$test$", absl::string_view(password.data(), password.size()));
  }
  absl::StatusOr<bool> Verify(std::string_view password, std::string_view stored) override {
    absl::StatusOr<std::string> hash = Hash(password);
    return *hash == stored;
  }
  bool NeedsRehash(std::string_view) const override { return false; }

  testing::Gate gate;
};

// Keeps what it is given, unless it is held: then calls wait until their deadline, as they do for a
// frozen database.
class HeldStore final : public testing::InMemoryUserStore {
 public:
  absl::StatusOr<account::RegisterResult> Register(const account::CallContext& call,
                                                   const account::NewUser& user) override {
    if (!gate.Pass(call.deadline)) return Late();
    return InMemoryUserStore::Register(call, user);
  }
  absl::StatusOr<std::optional<account::ActiveSession>> FindSession(
      const account::CallContext& call, const account::TokenHash& token_hash,
      WallTime now) override {
    if (!gate.Pass(call.deadline)) return Late();
    return InMemoryUserStore::FindSession(call, token_hash, now);
  }

  testing::Gate gate;

 private:
  static absl::Status Late() { return account::MakeError(account::Reason::kDeadlineExceeded); }
};

class CallRecorder final : public ops::CallObserver {
 public:
  void OnCall(const ops::CallRecord& record) override {
    MutexLock lock(&mutex_);
    records_.push_back(record);
  }
  std::vector<ops::CallRecord> records() {
    MutexLock lock(&mutex_);
    return records_;
  }

 private:
  Mutex mutex_;
  std::vector<ops::CallRecord> records_ ABSL_GUARDED_BY(mutex_);
};

// A real GrpcServer on a free loopback port, with workers of its own, before the two fakes.
class TestServer {
 public:
  enum Phase { kStarting, kReady };
  static GrpcServer::Options DefaultOptions() { return {.listen = "127.0.0.1:0"}; }

  explicit TestServer(const GrpcServer::Options& options = DefaultOptions(),
                      const work::AdmissionController::Options& admission = {.hash_workers = 2},
                      Phase phase = kReady)
      : admission_(admission, &clock_) {
    absl::StatusOr<std::unique_ptr<GrpcServer>> server =
        GrpcServer::Start(options, Services(), Admin(), Dependencies());
    EXPECT_THAT(server, testing::IsOk());
    if (server.ok()) server_ = *std::move(server);
    if (server_ != nullptr && phase == kReady) server_->SetReady();
  }
  ~TestServer() {
    hasher.gate.Open();
    store.gate.Open();
    server_.reset();
  }

  GrpcServer& operator*() { return *server_; }
  GrpcServer* operator->() { return server_.get(); }

  const account::AccountServices* Services() const { return &services_; }
  AdminSources Admin() {
    return {.snapshot =
                [this] {
                  auto snapshot = std::make_shared<ops::Snapshot>();
                  snapshot->sequence = ++snapshots;
                  return snapshot;
                },
            .recreate_pool = [this] { return ++generation; }};
  }
  CallDependencies Dependencies() {
    return {.clock = &clock_,
            .admission = &admission_,
            .hash_workers = &hash_workers_,
            .store_workers = &store_workers_,
            .observer = &recorder,
            .access = &access_};
  }

  const work::WorkerPool& hash_workers() const { return hash_workers_; }
  const work::WorkerPool& store_workers() const { return store_workers_; }
  std::string address() const { return absl::StrCat("127.0.0.1:", server_->port()); }
  // A connection of its own each time.
  std::shared_ptr<grpc::Channel> NewChannel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    return grpc::CreateCustomChannel(address(), grpc::InsecureChannelCredentials(), arguments);
  }
  std::unique_ptr<v1::AuthService::Stub> NewStub() const {
    return v1::AuthService::NewStub(NewChannel());
  }

  HeldHasher hasher;
  HeldStore store;
  CallRecorder recorder;
  // Pictures taken of the pool, and its generation.
  std::atomic<int> snapshots = 0;
  std::atomic<int> generation = 1;

 private:
  static std::unique_ptr<ServiceTokens> MakeTokens(const Clock* clock) {
    const testing::TemporaryDirectory directory;
    const std::string path =
        directory.Write("tokens", absl::StrCat("oncall admin ", kAdminTokenHash, "\n"));
    auto tokens = ServiceTokens::Load(
        path, [](const absl::Status&) {}, clock);
    EXPECT_THAT(tokens, testing::IsOk());
    return *std::move(tokens);
  }

  RealClock clock_;
  const std::unique_ptr<ServiceTokens> tokens_ = MakeTokens(&clock_);
  const AccessPolicy access_{tokens_.get()};
  const account::PasswordPolicy policy_{{}};
  account::AttemptLimiter limiter_{{}, &clock_};
  const account::AccountServices services_{.store = &store,
                                           .hasher = &hasher,
                                           .policy = &policy_,
                                           .limiter = &limiter_,
                                           .clock = &clock_};
  work::AdmissionController admission_;
  work::WorkerPool hash_workers_{{.name = "hash", .threads = 2}, &clock_};
  work::WorkerPool store_workers_{{.name = "store", .threads = 4}, &clock_};
  std::unique_ptr<GrpcServer> server_;
};

inline constexpr char kPassword[] = "SecurePass123";

// One call and its answer. Register(stub, {…}) and the like read better than four lines each time.
template <typename Response>
struct Answer {
  grpc::Status status;
  Response response;
};

inline Answer<v1::RegisterResponse> Register(v1::AuthService::Stub* stub, const std::string& email,
                                             const std::string& password = kPassword,
                                             const std::string& request_id = "") {
  v1::RegisterRequest request;
  request.set_email(email);
  request.set_password(password);
  request.set_request_id(request_id);
  grpc::ClientContext context;
  Answer<v1::RegisterResponse> answer;
  answer.status = stub->Register(&context, request, &answer.response);
  return answer;
}

inline Answer<v1::ValidateSessionResponse> Validate(v1::AuthService::Stub* stub,
                                                    const std::string& token) {
  v1::ValidateSessionRequest request;
  request.set_session_token(token);
  grpc::ClientContext context;
  Answer<v1::ValidateSessionResponse> answer;
  answer.status = stub->ValidateSession(&context, request, &answer.response);
  return answer;
}

// A unary call of a service for which there is no stub.
template <typename Request, typename Response>
grpc::Status CallMethod(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                        const Request& request, Response* response) {
  grpc::TemplatedGenericStub<Request, Response> stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, method, grpc::StubOptions(), &request, response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  return done.get_future().get();
}

// "SERVING", "NOT_SERVING", or the name of the error's code.
inline std::string Health(const std::shared_ptr<grpc::Channel>& channel,
                          const std::string& service) {
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status =
      CallMethod(channel, "/grpc.health.v1.Health/Check", request, &response);
  if (!status.ok()) return absl::StrCat("error ", static_cast<int>(status.error_code()));
  return grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status());
}

// The one detail of this type in an error, if there is one.
template <typename Detail>
std::optional<Detail> FindDetail(const grpc::Status& status) {
  google::rpc::Status rich;
  if (!rich.ParseFromString(status.error_details())) return std::nullopt;
  for (const auto& any : rich.details()) {
    Detail detail;
    if (any.UnpackTo(&detail)) return detail;
  }
  return std::nullopt;
}

inline std::string ReasonOf(const grpc::Status& status) {
  const auto info = FindDetail<google::rpc::ErrorInfo>(status);
  return info.has_value() ? info->reason() : "";
}

}  // namespace auth::rpc
