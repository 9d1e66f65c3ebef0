#include "server/ops/snapshot_json.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "server/ops/timestamp.h"

namespace auth::ops {
namespace {

// Keeps the order in which keys are written.
using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// Rounded to the microsecond: more digits say nothing.
Json SecondsOrNull(bool known, Duration duration) {
  if (!known) return nullptr;
  return Seconds(std::chrono::duration_cast<std::chrono::microseconds>(duration));
}

Json Since(MonotonicTime moment, const Snapshot& snapshot) {
  if (moment == MonotonicTime{}) return nullptr;
  const auto ago = std::chrono::duration_cast<WallTime::duration>(snapshot.moment - moment);
  return FormatTimestamp(snapshot.time - ago);
}

Json LastError(const pool::PoolStats& stats) {
  if (stats.last_fault.empty()) return nullptr;
  return {{"class", stats.last_fault},
          {"sqlstate", stats.last_sqlstate.empty() ? Json(nullptr) : Json(stats.last_sqlstate)}};
}

Json DatabaseState(const Snapshot& snapshot) {
  const pool::PoolStats& stats = snapshot.pool;
  return {{"status", std::string(pool::Name(stats.database()))},
          {"since", Since(stats.reachable_since, snapshot)},
          {"breaker", std::string(pool::Name(stats.breaker))},
          {"lastError", LastError(stats)}};
}

Json PoolGauges(const pool::PoolStats& stats) {
  return {{"connecting", stats.connecting},
          {"validating", stats.validating},
          {"idle", stats.idle},
          {"inUse", stats.in_use},
          {"resetting", stats.resetting},
          {"total", stats.total()},
          {"max", stats.max},
          {"waiters", stats.waiters},
          {"generation", stats.generation}};
}

Json Slots(const Snapshot& snapshot) {
  Json slots = Json::array();
  for (const pool::SlotStats& slot : snapshot.pool.slots) {
    const bool open = slot.opened != MonotonicTime{};
    slots.push_back({{"state", std::string(slot.state)},
                     {"generation", slot.generation},
                     {"ageSeconds", SecondsOrNull(open, snapshot.moment - slot.opened)},
                     {"inStateSeconds",
                      SecondsOrNull(slot.since != MonotonicTime{}, snapshot.moment - slot.since)},
                     {"expiresInSeconds", SecondsOrNull(open, slot.expires - snapshot.moment)}});
  }
  return slots;
}

Json Histogram(const LatencyHistogram& histogram) {
  Json buckets = Json::array();
  for (const LatencyHistogram::Bucket& bucket : histogram.buckets) {
    buckets.push_back({{"upToSeconds", bucket.up_to ? Json(*bucket.up_to) : Json(nullptr)},
                       {"count", bucket.count}});
  }
  return {{"count", histogram.count}, {"sumSeconds", histogram.sum}, {"buckets", buckets}};
}

Json Workers(const Snapshot& snapshot) {
  Json workers = Json::array();
  for (const WorkerStats& each : snapshot.workers) {
    workers.push_back({{"name", each.name},
                       {"threads", each.threads},
                       {"running", each.running},
                       {"queued", each.queued}});
  }
  return workers;
}

Json Calls(const Snapshot& snapshot) {
  Json calls = Json::array();
  for (const CallCount& each : CountCalls(snapshot)) {
    calls.push_back({{"rpc", each.rpc}, {"total", each.total}, {"errors", each.errors}});
  }
  return calls;
}

Json Events(const Snapshot& snapshot) {
  Json events = Json::array();
  for (const PoolEvent& event : snapshot.events) {
    events.push_back({{"time", FormatTimestamp(event.time)},
                      {"kind", std::string(event.kind)},
                      {"message", event.message},
                      {"sqlstate", event.sqlstate},
                      {"count", event.count}});
  }
  return events;
}

}  // namespace

std::string SnapshotJson(const Snapshot& snapshot) {
  Json pool = PoolGauges(snapshot.pool);
  pool["slots"] = Slots(snapshot);
  return Dump({{"sequence", snapshot.sequence},
               {"time", FormatTimestamp(snapshot.time)},
               {"version", snapshot.version},
               {"uptimeSeconds", SecondsOrNull(true, snapshot.uptime)},
               {"ready", snapshot.ready},
               {"database", DatabaseState(snapshot)},
               {"pool", pool},
               {"acquire", Histogram(FindHistogram(snapshot, "auth_pool_acquire_seconds"))},
               {"hash", Histogram(FindHistogram(snapshot, "auth_hash_seconds"))},
               {"workers", Workers(snapshot)},
               {"calls", Calls(snapshot)},
               {"events", Events(snapshot)}});
}

DatabaseHealth DatabaseHealthJson(const Snapshot& snapshot) {
  Json body = DatabaseState(snapshot);
  body["pool"] = PoolGauges(snapshot.pool);
  return {snapshot.pool.database() == pool::DatabaseState::kUp, Dump(body)};
}

}  // namespace auth::ops
