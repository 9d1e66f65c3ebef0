#pragma once

#include "auth/v1/admin_service.pb.h"
#include "server/ops/snapshot.h"

namespace auth::rpc {

v1::PoolStatus ToProto(const ops::Snapshot& snapshot);

}  // namespace auth::rpc
