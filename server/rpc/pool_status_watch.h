#pragma once

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <thread>
#include <vector>

#include "auth/v1/admin_service.pb.h"
#include "pool/clock.h"
#include "pool/mutex.h"
#include "server/rpc/access_policy.h"
#include "server/rpc/admin_calls.h"
#include "server/rpc/call_driver.h"

namespace auth::rpc {

// All streams of AdminService.WatchPoolStatus: one thread sends each its next picture when it is
// due. A watcher that reads slowly misses pictures, and gets the newest when he is ready again.
//
// Thread-safe. Shutdown comes before the gRPC server's, and that before the destruction.
class PoolStatusWatchers {
 public:
  // Beyond it watchers are refused: each costs up to ten serialised pictures a second.
  static constexpr int kMostWatchers = 32;

  // What `sources` and `dependencies` refer to must outlive it.
  PoolStatusWatchers(const AdminSources* sources, const CallDependencies& dependencies);
  ~PoolStatusWatchers();

  // A stream, which deletes itself at its end.
  grpc::ServerWriteReactor<v1::WatchPoolStatusResponse>* Start(
      const grpc::CallbackServerContext& context, const v1::WatchPoolStatusRequest& request);

  // Ends every stream with SHUTTING_DOWN, and those that come later.
  void Shutdown();

 private:
  class Watcher;

  // OK if one more may watch; then it is one of ours.
  absl::Status Admit(const std::shared_ptr<Watcher>& watcher);
  void Remove(const Watcher* watcher);
  void Run();

  const AdminSources* const sources_;
  const CallDependencies dependencies_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::shared_ptr<Watcher>> watchers_ ABSL_GUARDED_BY(mutex_);
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace auth::rpc
