#include "server/rpc/contract_names.h"

#include "auth/v1/admin_service.pb.h"
#include "auth/v1/auth_service.pb.h"
#include "server/account/errors.h"

namespace auth::rpc {

std::vector<std::string> RpcNames() {
  std::vector<std::string> names;
  for (const auto* file : {v1::RegisterRequest::descriptor()->file(),
                           v1::GetPoolStatusRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        names.push_back(file->service(s)->method(m)->name());
      }
    }
  }
  return names;
}

std::vector<std::string> ReasonNames() {
  std::vector<std::string> names;
  for (int reason = 0; reason <= static_cast<int>(account::Reason::kCallerNotAllowed); ++reason) {
    names.emplace_back(Name(account::Reason{reason}));
  }
  return names;
}

}  // namespace auth::rpc
