#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "auth/v1/admin_service.pb.h"
#include "server/ops/snapshot.h"
#include "server/rpc/prepared_call.h"

namespace auth::rpc {

// What AdminService tells and does. Thread-safe functions that do not block.
struct AdminSources {
  std::function<std::shared_ptr<const ops::Snapshot>()> snapshot;
  // Retires every connection made until now; the generation of those to come.
  std::function<std::int64_t()> recreate_pool;
};

// auth.v1.AdminService, but for its stream (PoolStatusWatch). None needs the database: they are
// served while the server waits for it. As AuthCalls.
class AdminCalls {
 public:
  explicit AdminCalls(AdminSources sources) : sources_(std::move(sources)) {}

  PreparedCall Prepare(v1::GetPoolStatusRequest* request,
                       v1::GetPoolStatusResponse* response) const;
  PreparedCall Prepare(v1::RecreatePoolRequest* request, v1::RecreatePoolResponse* response) const;

  const AdminSources& sources() const { return sources_; }

 private:
  const AdminSources sources_;
};

}  // namespace auth::rpc
