#include "server/rpc/admin_calls.h"

#include <string_view>
#include <utility>

#include "server/rpc/pool_status.h"

namespace auth::rpc {
namespace {

// There is nothing to wait for: all is done when the result is written.
class Immediate final : public account::Operation {
 public:
  account::Stage Begin() override { return account::Stage::kDone; }
  account::Stage Run(const account::CallContext&) override { return account::Stage::kDone; }
};

PreparedCall Prepared(std::string_view rpc, std::string_view method,
                      std::function<absl::Status()> write_result) {
  PreparedCall call;
  call.info.rpc = rpc;
  call.info.method = method;
  call.info.needs_database = false;
  call.operation = std::make_unique<Immediate>();
  call.write_result = std::move(write_result);
  return call;
}

}  // namespace

PreparedCall AdminCalls::Prepare(v1::GetPoolStatusRequest* /*request*/,
                                 v1::GetPoolStatusResponse* response) const {
  return Prepared("GetPoolStatus", "auth.v1.AdminService/GetPoolStatus", [this, response] {
    *response->mutable_status() = ToProto(*sources_.snapshot());
    return absl::OkStatus();
  });
}

PreparedCall AdminCalls::Prepare(v1::RecreatePoolRequest* /*request*/,
                                 v1::RecreatePoolResponse* response) const {
  return Prepared("RecreatePool", "auth.v1.AdminService/RecreatePool", [this, response] {
    response->set_generation(static_cast<std::int32_t>(sources_.recreate_pool()));
    return absl::OkStatus();
  });
}

}  // namespace auth::rpc
