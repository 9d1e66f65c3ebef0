#include "server/rpc/pool_status.h"

#include <chrono>
#include <string>

#include "server/rpc/message_conversion.h"

namespace auth::rpc {
namespace {

v1::DatabaseState ToProto(pool::DatabaseState state) {
  switch (state) {
    case pool::DatabaseState::kConnecting:
      return v1::DATABASE_STATE_CONNECTING;
    case pool::DatabaseState::kUp:
      return v1::DATABASE_STATE_UP;
    case pool::DatabaseState::kDown:
      return v1::DATABASE_STATE_DOWN;
  }
  return v1::DATABASE_STATE_UNSPECIFIED;
}

v1::BreakerState ToProto(pool::BreakerState state) {
  switch (state) {
    case pool::BreakerState::kClosed:
      return v1::BREAKER_STATE_CLOSED;
    case pool::BreakerState::kOpen:
      return v1::BREAKER_STATE_OPEN;
    case pool::BreakerState::kHalfOpen:
      return v1::BREAKER_STATE_HALF_OPEN;
  }
  return v1::BREAKER_STATE_UNSPECIFIED;
}

google::protobuf::Duration FromSeconds(double seconds) {
  return rpc::ToProto(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)));
}

v1::LatencyHistogram ToProto(const ops::LatencyHistogram& histogram) {
  v1::LatencyHistogram proto;
  for (const ops::LatencyHistogram::Bucket& bucket : histogram.buckets) {
    v1::LatencyHistogram::Bucket* const own = proto.add_buckets();
    if (bucket.up_to) *own->mutable_up_to() = FromSeconds(*bucket.up_to);
    own->set_count(bucket.count);
  }
  proto.set_count(histogram.count);
  *proto.mutable_sum() = FromSeconds(histogram.sum);
  return proto;
}

void AddSlot(const pool::SlotStats& slot, MonotonicTime now, v1::PoolStatus* status) {
  v1::PoolSlot* const own = status->add_slots();
  own->set_state(std::string(slot.state));
  own->set_generation(static_cast<std::int32_t>(slot.generation));
  if (slot.opened != MonotonicTime{}) *own->mutable_age() = rpc::ToProto(now - slot.opened);
  if (slot.since != MonotonicTime{}) *own->mutable_in_state() = rpc::ToProto(now - slot.since);
}

void AddEvent(const ops::PoolEvent& event, v1::PoolStatus* status) {
  v1::PoolEvent* const own = status->add_events();
  *own->mutable_time() = rpc::ToProto(event.time);
  own->set_kind(std::string(event.kind));
  own->set_message(event.message);
  own->set_sqlstate(event.sqlstate);
  own->set_count(event.count);
}

void SetPool(const ops::Snapshot& snapshot, v1::PoolStatus* status) {
  const pool::PoolStats& pool = snapshot.pool;
  status->set_database(ToProto(pool.database()));
  if (pool.reachable_since != MonotonicTime{}) {
    const auto ago =
        std::chrono::duration_cast<WallTime::duration>(snapshot.moment - pool.reachable_since);
    *status->mutable_database_since() = rpc::ToProto(snapshot.time - ago);
  }
  status->set_breaker(ToProto(pool.breaker));
  status->set_last_fault(pool.last_fault);
  status->set_last_sqlstate(pool.last_sqlstate);
  status->set_max_connections(pool.max);
  status->set_connecting(pool.connecting);
  status->set_validating(pool.validating);
  status->set_idle(pool.idle);
  status->set_in_use(pool.in_use);
  status->set_resetting(pool.resetting);
  status->set_waiters(pool.waiters);
  status->set_generation(static_cast<std::int32_t>(pool.generation));
  for (const pool::SlotStats& slot : pool.slots) AddSlot(slot, snapshot.moment, status);
}

}  // namespace

v1::PoolStatus ToProto(const ops::Snapshot& snapshot) {
  v1::PoolStatus status;
  status.set_sequence(snapshot.sequence);
  *status.mutable_time() = rpc::ToProto(snapshot.time);
  status.set_ready(snapshot.ready);
  SetPool(snapshot, &status);
  *status.mutable_acquire() = ToProto(FindHistogram(snapshot, "auth_pool_acquire_seconds"));
  *status.mutable_hash() = ToProto(FindHistogram(snapshot, "auth_hash_seconds"));
  for (const ops::WorkerStats& each : snapshot.workers) {
    v1::WorkerStatus* const own = status.add_workers();
    own->set_name(each.name);
    own->set_threads(each.threads);
    own->set_running(each.running);
    own->set_queued(each.queued);
  }
  for (const ops::PoolEvent& event : snapshot.events) AddEvent(event, &status);
  return status;
}

}  // namespace auth::rpc
