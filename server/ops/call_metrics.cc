#include "server/ops/call_metrics.h"

#include "server/ops/metric_families.h"
#include "server/ops/status_names.h"

namespace auth::ops {
namespace {

// What a label's value becomes that is in no list: the page must not grow with what callers send.
constexpr char kOther[] = "other";

template <typename Map>
const auto& FindOrOther(const Map& map, std::string_view key) {
  const auto found = map.find(std::string(key));
  return found == map.end() ? map.at(kOther) : found->second;
}

}  // namespace

CallMetrics::CallMetrics(prometheus::Registry* registry, const std::vector<std::string>& rpcs,
                         const std::vector<std::string>& reasons) {
  auto& requests = AddCounters(registry, "auth_rpc_requests_total",
                               "Answered calls, by the status code they were answered with.");
  auto& errors =
      AddCounters(registry, "auth_rpc_errors_total",
                  "Calls answered with an error, by the reason in its google.rpc.ErrorInfo.");
  auto& durations =
      AddHistograms(registry, "auth_rpc_duration_seconds",
                    "Time from a call's arrival to its answer, in seconds; refused calls too.");
  const auto add_rpc = [&](const std::string& name) {
    Rpc& rpc = rpcs_[name];
    const auto add = [&](auto& family, const char* label, const std::string& value) {
      return &family.Add({{"rpc", name}, {label, value}});
    };
    for (const std::string_view name_of_code : kCodeNames) {
      const std::string code(name_of_code);
      rpc.by_code[code] = add(requests, "code", code);
    }
    rpc.by_code[kOther] = add(requests, "code", kOther);
    for (const std::string& reason : reasons) rpc.by_reason[reason] = add(errors, "reason", reason);
    rpc.by_reason[kOther] = add(errors, "reason", kOther);
    rpc.duration = AddLatencies(&durations, {{"rpc", name}});
  };
  for (const std::string& name : rpcs) add_rpc(name);
  add_rpc(kOther);

  queue_wait_ = AddLatencies(
      &AddHistograms(registry, "auth_queue_wait_seconds",
                     "A call's waits for workers, all stages together; 0 for one without any."),
      {});
  hash_ =
      AddLatencies(&AddHistograms(registry, "auth_hash_seconds",
                                  "A call's time on a hash worker; only of calls that came there."),
                   {});
  store_ = AddLatencies(
      &AddHistograms(registry, "auth_store_seconds",
                     "A call's time on a store worker, waiting for a connection included; "
                     "only of calls that came there."),
      {});
}

void CallMetrics::OnCall(const CallRecord& record) {
  const Rpc& rpc = FindOrOther(rpcs_, record.rpc);
  FindOrOther(rpc.by_code, record.code)->Increment();
  if (record.code != "OK") FindOrOther(rpc.by_reason, record.reason)->Increment();
  rpc.duration->Observe(ToSeconds(record.duration));
  queue_wait_->Observe(ToSeconds(record.queue_time));
  if (record.hash_time > Duration::zero()) hash_->Observe(ToSeconds(record.hash_time));
  if (record.store_time > Duration::zero()) store_->Observe(ToSeconds(record.store_time));
}

}  // namespace auth::ops
