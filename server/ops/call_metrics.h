#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/ops/call_record.h"

namespace prometheus {
class Counter;
class Histogram;
class Registry;
}  // namespace prometheus

namespace auth::ops {

// Counts answered calls:
//   auth_rpc_requests_total{rpc,code}, auth_rpc_errors_total{rpc,reason},
//   auth_rpc_duration_seconds{rpc}, auth_queue_wait_seconds, auth_hash_seconds, auth_store_seconds
//
// Labels are bounded: `rpcs` and `reasons` are all there are, anything else counts as "other". All
// children exist from the start, at 0.
//
// Thread-safe. `registry` must outlive it.
class CallMetrics final : public CallObserver {
 public:
  CallMetrics(prometheus::Registry* registry, const std::vector<std::string>& rpcs,
              const std::vector<std::string>& reasons);
  void OnCall(const CallRecord& record) override;

 private:
  using Counters = std::unordered_map<std::string, prometheus::Counter*>;
  struct Rpc {
    Counters by_code;
    Counters by_reason;
    prometheus::Histogram* duration;
  };

  std::unordered_map<std::string, Rpc> rpcs_;
  prometheus::Histogram* queue_wait_;
  prometheus::Histogram* hash_;
  prometheus::Histogram* store_;
};

}  // namespace auth::ops
