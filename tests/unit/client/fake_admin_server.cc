#include "tests/unit/client/fake_admin_server.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/time_util.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <stdexcept>
#include <utility>

#include "pool/mutex.h"
#include "tests/support/eventually.h"
#include "tests/unit/client/fake_auth_server.h"

namespace auth::testing {
namespace {

constexpr char kBusyPool[] = R"pb(
  sequence: 7
  time { seconds: 1700000135 nanos: 500000000 }
  ready: true
  database: DATABASE_STATE_UP
  database_since { seconds: 1700000000 }
  breaker: BREAKER_STATE_CLOSED
  last_fault: "lost"
  last_sqlstate: "57P01"
  max_connections: 10
  connecting: 1
  idle: 1
  in_use: 1
  waiters: 2
  generation: 3
  slots {
    state: "in_use"
    generation: 3
    age { seconds: 61 }
    in_state { nanos: 12500000 }
  }
  slots {
    state: "idle"
    generation: 2
    age { seconds: 3700 }
    in_state { seconds: 30 }
  }
  slots { state: "connecting" generation: 3 }
  acquire {
    buckets {
      up_to { nanos: 1000000 }
      count: 90
    }
    buckets {
      up_to { nanos: 10000000 }
      count: 10
    }
    buckets {}
    count: 100
    sum { nanos: 150000000 }
  }
  hash {
    buckets { up_to { nanos: 50000000 } }
    buckets { count: 4 }
    count: 4
    sum { nanos: 400000000 }
  }
  workers { name: "hash" threads: 2 running: 1 }
  workers { name: "store" threads: 10 running: 3 queued: 5 }
  events {
    time { seconds: 1700000000 }
    kind: "database"
    message: "The database is up"
    count: 1
  }
  events {
    time { seconds: 1700000130 }
    kind: "connection_lost"
    message: "A session was \x1b[31mended"
    sqlstate: "57P01"
    count: 3
  }
)pb";

}  // namespace

v1::PoolStatus BusyPool() {
  v1::PoolStatus status;
  if (!google::protobuf::TextFormat::ParseFromString(kBusyPool, &status)) {
    throw std::logic_error("kBusyPool is no PoolStatus");
  }
  return status;
}

class FakeAdminServer::Service final : public v1::AdminService::Service {
 public:
  grpc::Status GetPoolStatus(grpc::ServerContext* context, const v1::GetPoolStatusRequest*,
                             v1::GetPoolStatusResponse* response) override {
    MutexLock lock(&mutex_);
    *response->mutable_status() = Next();
    return Admit(*context);
  }

  grpc::Status WatchPoolStatus(grpc::ServerContext* context,
                               const v1::WatchPoolStatusRequest* request,
                               grpc::ServerWriter<v1::WatchPoolStatusResponse>* writer) override {
    using google::protobuf::util::TimeUtil;
    const std::chrono::milliseconds interval(TimeUtil::DurationToMilliseconds(request->interval()));
    {
      MutexLock lock(&mutex_);
      ++watched_;
      interval_ms_ = static_cast<int>(interval.count());
      if (const grpc::Status admitted = Admit(*context); !admitted.ok()) return admitted;
    }
    v1::WatchPoolStatusResponse response;
    do {
      MutexLock lock(&mutex_);
      *response.mutable_status() = Next();
    } while (writer->Write(response) &&
             !Eventually([context] { return context->IsCancelled(); }, interval));
    return grpc::Status::OK;
  }

  grpc::Status RecreatePool(grpc::ServerContext* context, const v1::RecreatePoolRequest*,
                            v1::RecreatePoolResponse* response) override {
    MutexLock lock(&mutex_);
    const grpc::Status admitted = Admit(*context);
    if (admitted.ok()) response->set_generation(status_.generation() + ++recreated_);
    return admitted;
  }

  void ChangeToken(const std::string& token) {
    MutexLock lock(&mutex_);
    if (!token.empty()) token_ = token;
  }

  int recreated() const {
    MutexLock lock(&mutex_);
    return recreated_;
  }

  int watched() const {
    MutexLock lock(&mutex_);
    return watched_;
  }

  int interval_ms() const {
    MutexLock lock(&mutex_);
    return interval_ms_;
  }

  std::string last_traceparent() const {
    MutexLock lock(&mutex_);
    return last_traceparent_;
  }

 private:
  v1::PoolStatus Next() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    status_.set_sequence(status_.sequence() + 1);
    return status_;
  }

  grpc::Status Admit(const grpc::ServerContext& context) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto metadata = [&context](const char* key) -> std::string {
      const auto found = context.client_metadata().find(key);
      if (found == context.client_metadata().end()) return "";
      return {found->second.data(), found->second.size()};
    };
    last_traceparent_ = metadata("traceparent");
    const std::string authorization = metadata("authorization");
    if (authorization == "Bearer " + token_) return grpc::Status::OK;
    if (authorization == "Bearer monitoring-token") {
      return ServiceError(grpc::StatusCode::PERMISSION_DENIED, "CALLER_NOT_ALLOWED", "No.");
    }
    return ServiceError(grpc::StatusCode::UNAUTHENTICATED, "CALLER_NOT_ALLOWED", "Who are you?");
  }

  mutable Mutex mutex_;
  std::string token_ ABSL_GUARDED_BY(mutex_) = kAdminToken;
  v1::PoolStatus status_ ABSL_GUARDED_BY(mutex_) = BusyPool();
  std::string last_traceparent_ ABSL_GUARDED_BY(mutex_);
  int recreated_ ABSL_GUARDED_BY(mutex_) = 0;
  int watched_ ABSL_GUARDED_BY(mutex_) = 0;
  int interval_ms_ ABSL_GUARDED_BY(mutex_) = 0;
};

std::string FakeAdminServer::address() const { return "127.0.0.1:" + std::to_string(port_); }

void FakeAdminServer::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_ = nullptr;
}

void FakeAdminServer::Start(const std::string& token) {
  if (service_ == nullptr) service_ = std::make_shared<Service>();
  service_->ChangeToken(token);
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port_), grpc::InsecureServerCredentials(),
                           &port_);
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
}

int FakeAdminServer::recreated() const { return service_->recreated(); }

int FakeAdminServer::watched() const { return service_->watched(); }

int FakeAdminServer::interval_ms() const { return service_->interval_ms(); }

std::string FakeAdminServer::last_traceparent() const { return service_->last_traceparent(); }

}  // namespace auth::testing
