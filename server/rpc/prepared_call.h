#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "server/account/operation.h"
#include "server/rpc/call_driver.h"

namespace auth::rpc {

// A request turned into work for CallDriver, whatever protocol brought it.
struct PreparedCall {
  CallInfo info;
  std::unique_ptr<account::Operation> operation;
  // Writes the operation's result into the response for which the call was prepared. OK, or why
  // there is none. Runs once, when the operation is done and before it is destroyed.
  std::function<absl::Status()> write_result;
};

}  // namespace auth::rpc
