#include "tests/unit/client/fake_auth_server.h"

#include <google/protobuf/util/time_util.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <deque>
#include <optional>
#include <utility>

#include "google/rpc/status.pb.h"
#include "pool/mutex.h"
#include "tests/support/eventually.h"

namespace auth::testing {
namespace {

v1::User MakeUser(const std::string& email) {
  v1::User user;
  user.set_id(kUserId);
  user.set_email(email);
  user.mutable_created_at()->set_seconds(1'700'000'000);
  user.mutable_updated_at()->set_seconds(1'700'000'000);
  return user;
}

v1::Session MakeSession() {
  v1::Session session;
  session.set_id(kSessionId);
  session.set_user_id(kUserId);
  google::protobuf::util::TimeUtil::FromString(kExpires, session.mutable_expires());
  return session;
}

std::string MetadataOf(const grpc::ServerContext& context, const char* key) {
  const auto found = context.client_metadata().find(key);
  return found == context.client_metadata().end()
             ? ""
             : std::string(found->second.data(), found->second.size());
}

}  // namespace

grpc::Status ServiceError(grpc::StatusCode code, const std::string& reason,
                          const std::string& message,
                          const std::vector<const google::protobuf::Message*>& more) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("auth.v1");
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(message);
  details.add_details()->PackFrom(info);
  for (const google::protobuf::Message* detail : more) details.add_details()->PackFrom(*detail);
  return grpc::Status(code, message, details.SerializeAsString());
}

class FakeAuthServer::Service final : public v1::AuthService::Service {
 public:
  grpc::Status Register(grpc::ServerContext* context, const v1::RegisterRequest* request,
                        v1::RegisterResponse* response) override {
    {
      MutexLock lock(&mutex_);
      registrations_.push_back(*request);
    }
    *response->mutable_user() = MakeUser(request->email());
    *response->mutable_session() = MakeSession();
    response->mutable_session()->set_session_token(kSessionToken);
    return NextAnswer(context);
  }

  grpc::Status SignIn(grpc::ServerContext* context, const v1::SignInRequest* request,
                      v1::SignInResponse* response) override {
    *response->mutable_user() = MakeUser(request->email());
    *response->mutable_session() = MakeSession();
    response->mutable_session()->set_session_token(kSessionToken);
    return NextAnswer(context);
  }

  grpc::Status ValidateSession(grpc::ServerContext* context,
                               const v1::ValidateSessionRequest* request,
                               v1::ValidateSessionResponse* response) override {
    *response->mutable_user() = MakeUser("ana@example.com");
    *response->mutable_session() = MakeSession();
    return NextAnswer(context, request->session_token());
  }

  grpc::Status SignOut(grpc::ServerContext* context, const v1::SignOutRequest*,
                       v1::SignOutResponse*) override {
    return NextAnswer(context);
  }

  grpc::Status GetUser(grpc::ServerContext* context, const v1::GetUserRequest* request,
                       v1::GetUserResponse* response) override {
    *response->mutable_user() = MakeUser("ana@example.com");
    return NextAnswer(context, request->session_token());
  }

  void AnswerNext(const grpc::Status& status, int times) {
    MutexLock lock(&mutex_);
    answers_.insert(answers_.end(), static_cast<size_t>(times), status);
  }

  void PushBack(std::chrono::milliseconds pause) {
    MutexLock lock(&mutex_);
    push_back_ = pause;
  }

  void HoldCalls() {
    MutexLock lock(&mutex_);
    hold_ = true;
  }

  int calls() const {
    MutexLock lock(&mutex_);
    return calls_;
  }

  std::vector<v1::RegisterRequest> registrations() const {
    MutexLock lock(&mutex_);
    return registrations_;
  }

  std::string last_user_agent() const {
    MutexLock lock(&mutex_);
    return last_user_agent_;
  }

  std::vector<std::string> traceparents() const {
    MutexLock lock(&mutex_);
    return traceparents_;
  }

 private:
  grpc::Status NextAnswer(grpc::ServerContext* context, const std::string& token = kSessionToken) {
    bool hold = false;
    {
      MutexLock lock(&mutex_);
      ++calls_;
      last_user_agent_ = MetadataOf(*context, "user-agent");
      traceparents_.push_back(MetadataOf(*context, "traceparent"));
      if (!answers_.empty()) {
        const grpc::Status answer = answers_.front();
        answers_.pop_front();
        if (push_back_.has_value()) {
          context->AddTrailingMetadata("grpc-retry-pushback-ms",
                                       std::to_string(push_back_->count()));
        }
        return answer;
      }
      hold = hold_;
    }
    if (hold) Eventually([context] { return context->IsCancelled(); });
    if (token == kSessionToken) return grpc::Status::OK;
    return ServiceError(grpc::StatusCode::UNAUTHENTICATED, "SESSION_INVALID",
                        "The session is not valid: sign in again");
  }

  mutable Mutex mutex_;
  std::deque<grpc::Status> answers_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::RegisterRequest> registrations_ ABSL_GUARDED_BY(mutex_);
  std::string last_user_agent_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> traceparents_ ABSL_GUARDED_BY(mutex_);
  std::optional<std::chrono::milliseconds> push_back_ ABSL_GUARDED_BY(mutex_);
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  bool hold_ ABSL_GUARDED_BY(mutex_) = false;
};

FakeAuthServer::FakeAuthServer(const std::shared_ptr<grpc::ServerCredentials>& credentials)
    : service_(std::make_unique<Service>()) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", credentials, &port_);
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  SetServing(true);
}

FakeAuthServer::~FakeAuthServer() {
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

std::string FakeAuthServer::address() const { return "127.0.0.1:" + std::to_string(port_); }

void FakeAuthServer::AnswerNext(const grpc::Status& status, int times) {
  service_->AnswerNext(status, times);
}

void FakeAuthServer::PushBack(std::chrono::milliseconds pause) { service_->PushBack(pause); }

void FakeAuthServer::HoldCalls() { service_->HoldCalls(); }

void FakeAuthServer::SetServing(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus("auth.v1.AuthService", serving);
}

int FakeAuthServer::calls() const { return service_->calls(); }

std::vector<v1::RegisterRequest> FakeAuthServer::registrations() const {
  return service_->registrations();
}

std::string FakeAuthServer::last_user_agent() const { return service_->last_user_agent(); }

std::vector<std::string> FakeAuthServer::traceparents() const { return service_->traceparents(); }

}  // namespace auth::testing
