#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "auth/v1/admin_service.pb.h"

namespace grpc {
class Channel;
}

namespace auth::authctl {

// One WatchPoolStatus call. gRPC's threads fill it; its owner waits for `event_fd()` beside
// whatever else he waits for (signals), and takes one answer at a time. For one thread.
//
//   PoolStream stream(channel, {.token = token, .interval = std::chrono::seconds(1)});
//   while (poll(stream.event_fd()…)) {
//     const absl::StatusOr<v1::PoolStatus> status = stream.Take();
//     if (!status.ok()) return status.status();
//   }
class PoolStream {
 public:
  struct Options {
    std::string token;  // visible ASCII
    std::chrono::nanoseconds interval;
    std::string traceparent = {};  // empty = a fresh one
  };

  PoolStream(std::shared_ptr<grpc::Channel> channel, const Options& options);
  // Ends the call.
  ~PoolStream();
  PoolStream(const PoolStream&) = delete;
  PoolStream& operator=(const PoolStream&) = delete;

  // Readable when Take will not block.
  int event_fd() const;

  // The next answer, or why there will be none: then the stream must not be used any more.
  // UNAVAILABLE also if the server ended the stream without an error.
  absl::StatusOr<v1::PoolStatus> Take();

 private:
  class Call;
  const std::unique_ptr<Call> call_;
};

}  // namespace auth::authctl
