#include "client/authctl/pool_stream.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "auth/v1/admin_service.grpc.pb.h"
#include "client/authctl/admin_client.h"
#include "client/authctl/file_descriptor.h"
#include "client/grpc_status.h"

namespace auth::authctl {

// The call's fields belong to gRPC while a read is under way, and to the owner after the event that
// tells of its end: there is nothing to lock. `ended_` is the owner's alone.
class PoolStream::Call final : public grpc::ClientReadReactor<v1::WatchPoolStatusResponse> {
 public:
  Call(std::shared_ptr<grpc::Channel> channel, const Options& options)
      : channel_(std::move(channel)),
        stub_(v1::AdminService::NewStub(channel_)),
        event_(::eventfd(0, EFD_CLOEXEC)) {
    trace_id_ = client::AddTraceparent(options.traceparent, &context_);
    AddServiceToken(options.token, &context_);
    const std::chrono::nanoseconds::rep interval = options.interval.count();
    request_.mutable_interval()->set_seconds(interval / 1'000'000'000);
    request_.mutable_interval()->set_nanos(static_cast<int32_t>(interval % 1'000'000'000));
    stub_->async()->WatchPoolStatus(&context_, &request_, this);
    AddHold();  // reads are begun outside of gRPC's threads, so it must not end the call by itself
    StartRead(&response_);
    StartCall();
  }

  ~Call() override {
    if (ended_) return;
    context_.TryCancel();
    while (Take().ok()) {
    }
  }

  int event_fd() const { return event_.get(); }

  absl::StatusOr<v1::PoolStatus> Take() {
    uint64_t events = 0;
    while (::read(event_.get(), &events, sizeof events) < 0 && errno == EINTR) {
    }
    if (done_) {
      ended_ = true;
      if (status_.ok()) return absl::UnavailableError("the server has ended the stream");
      return client::FromGrpcStatus(status_, trace_id_);
    }
    v1::PoolStatus status = std::move(*response_.mutable_status());
    StartRead(&response_);
    return status;
  }

 private:
  void OnReadDone(bool ok) override {
    if (ok) {
      Tell();
    } else {
      RemoveHold();  // OnDone follows
    }
  }

  void OnDone(const grpc::Status& status) override {
    status_ = status;
    done_ = true;
    Tell();  // the last access to this object: its owner may be waiting to delete it
  }

  void Tell() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
  }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::AdminService::Stub> stub_;
  const FileDescriptor event_;
  grpc::ClientContext context_;
  std::string trace_id_;
  v1::WatchPoolStatusRequest request_;
  v1::WatchPoolStatusResponse response_;
  grpc::Status status_;
  bool done_ = false;
  bool ended_ = false;  // Take has told so: gRPC is done with this object
};

PoolStream::PoolStream(std::shared_ptr<grpc::Channel> channel, const Options& options)
    : call_(std::make_unique<Call>(std::move(channel), options)) {}

PoolStream::~PoolStream() = default;

int PoolStream::event_fd() const { return call_->event_fd(); }

absl::StatusOr<v1::PoolStatus> PoolStream::Take() { return call_->Take(); }

}  // namespace auth::authctl
