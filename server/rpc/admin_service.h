#pragma once

#include "auth/v1/admin_service.grpc.pb.h"
#include "server/rpc/admin_calls.h"
#include "server/rpc/call_driver.h"
#include "server/rpc/pool_status_watch.h"
#include "server/rpc/unary_call.h"

namespace auth::rpc {

// auth.v1.AdminService over gRPC. As AuthServiceImpl.
class AdminServiceImpl final : public v1::AdminService::CallbackService {
 public:
  AdminServiceImpl(const AdminCalls* prepare, const Clock* clock, CallDriver* calls,
                   PoolStatusWatchers* watchers)
      : prepare_(prepare), clock_(clock), calls_(calls), watchers_(watchers) {}

  grpc::ServerUnaryReactor* GetPoolStatus(grpc::CallbackServerContext* context,
                                          const v1::GetPoolStatusRequest* request,
                                          v1::GetPoolStatusResponse* response) override {
    return StartUnary(*prepare_, *clock_, calls_, context, request, response);
  }
  grpc::ServerUnaryReactor* RecreatePool(grpc::CallbackServerContext* context,
                                         const v1::RecreatePoolRequest* request,
                                         v1::RecreatePoolResponse* response) override {
    return StartUnary(*prepare_, *clock_, calls_, context, request, response);
  }
  grpc::ServerWriteReactor<v1::WatchPoolStatusResponse>* WatchPoolStatus(
      grpc::CallbackServerContext* context, const v1::WatchPoolStatusRequest* request) override {
    return watchers_->Start(*context, *request);
  }

 private:
  const AdminCalls* const prepare_;
  const Clock* const clock_;
  CallDriver* const calls_;
  PoolStatusWatchers* const watchers_;
};

}  // namespace auth::rpc
