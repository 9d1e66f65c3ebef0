#pragma once

#include <string>
#include <vector>

namespace auth::rpc {

// All names that CallRecord::rpc and CallRecord::reason may have, for whoever counts by them.
std::vector<std::string> RpcNames();
std::vector<std::string> ReasonNames();

}  // namespace auth::rpc
