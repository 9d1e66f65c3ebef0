#include "server/ops/pool_metrics.h"

#include <optional>
#include <string>

#include "pool/effect.h"
#include "pool/sql_error.h"
#include "server/ops/metric_families.h"

namespace auth::ops {
namespace {

using pool::Effect;
using pool::SqlFault;
using prometheus::Counter;
using prometheus::Family;

constexpr std::string_view kOk = "ok";
constexpr std::string_view kOther = "other";

constexpr std::size_t kSqlFaults = static_cast<std::size_t>(SqlFault::kPermanent) + 1;
static_assert(static_cast<std::size_t>(pool::RetireReason::kDrained) == 10);
static_assert(static_cast<std::size_t>(pool::RecreateReason::kRequested) == 4);
static_assert(static_cast<std::size_t>(pool::ValidationTier::kPing) == 1);
static_assert(static_cast<std::size_t>(Effect::kOnce) == 2);
static_assert(kSqlFaults == 11);

// The name of a fault, of kOther after the last of them, and then of kOk.
std::string_view ResultName(std::size_t index) {
  if (index < kSqlFaults) return pool::SqlFaultName(static_cast<SqlFault>(index));
  return index == kSqlFaults ? kOther : kOk;
}

template <typename Enum>
std::size_t Index(Enum value) {
  return static_cast<std::size_t>(value);
}

// One child for each value of `Enum`.
template <typename Enum, std::size_t n>
void AddChildren(Family<Counter>* family, const std::string& label,
                 std::array<Counter*, n>* children) {
  for (std::size_t i = 0; i < n; ++i) {
    (*children)[i] = &family->Add({{label, std::string(pool::Name(static_cast<Enum>(i)))}});
  }
}

// Counts under `name`, or under kOther if there is no such child.
template <typename NamedCounters>
void IncrementNamed(const NamedCounters& counters, std::string_view name) {
  Counter* other = nullptr;
  for (const auto& [candidate, counter] : counters) {
    if (candidate == name) return counter->Increment();
    if (candidate == kOther) other = counter;
  }
  other->Increment();
}

}  // namespace

PoolMetrics::PoolMetrics(prometheus::Registry* registry)
    : acquire_(AddLatencies(
          &AddHistograms(registry, "auth_pool_acquire_seconds",
                         "Time from asking for a connection to having one, or being refused."),
          {})),
      acquire_timeouts_(&AddCounters(registry, "auth_pool_acquire_timeouts_total",
                                     "Borrows that ended without a connection: the deadline or "
                                     "acquire_timeout passed.")
                             .Add({})),
      rejected_(&AddCounters(registry, "auth_pool_rejected_total",
                             "Borrows refused at once: too many waiters, or an open breaker.")
                     .Add({})),
      connect_(AddLatencies(
          &AddHistograms(registry, "auth_pool_connect_seconds",
                         "Time that successful connects took, TLS and authentication included."),
          {})),
      leaks_(&AddCounters(registry, "auth_pool_leaks_total",
                          "Connections borrowed for longer than leak_threshold.")
                  .Add({})) {
  AddChildren<pool::RetireReason>(&AddCounters(registry, "auth_pool_retired_total",
                                               "Connections that the pool closed, and why."),
                                  "reason", &retired_);
  AddChildren<pool::RecreateReason>(
      &AddCounters(
          registry, "auth_pool_recreations_total",
          "How often the pool was recreated (all older connections are replaced), and why."),
      "reason", &recreations_);

  auto& failures =
      AddCounters(registry, "auth_pool_connect_failures_total",
                  "Failed connects, by what the failure means: lost is refused, reset or timed "
                  "out; configuration is password, database name or TLS.");
  for (std::size_t i = 0; i < connect_failures_.size(); ++i) {
    const std::string_view name = ResultName(i);
    connect_failures_[i] = {name, &failures.Add({{"class", std::string(name)}})};
  }

  auto& validations =
      AddCounters(registry, "auth_pool_validations_total",
                  "Looks at connections before they are lent: at the socket (peek), or by a "
                  "round trip (ping).");
  for (const auto tier : {pool::ValidationTier::kPeek, pool::ValidationTier::kPing}) {
    for (const bool alive : {false, true}) {
      validations_[Index(tier)][alive] = &validations.Add(
          {{"tier", std::string(pool::Name(tier))}, {"result", alive ? "alive" : "dead"}});
    }
  }

  auto& attempts =
      AddCounters(registry, "auth_tx_attempts_total",
                  "Attempts of transactions, by the effect of a replay, and how they ended.");
  for (const auto effect : {Effect::kReadOnly, Effect::kIdempotent, Effect::kOnce}) {
    for (std::size_t i = 0; i < attempts_[Index(effect)].size(); ++i) {
      const std::string_view name = ResultName(i);
      attempts_[Index(effect)][i] = {
          name, &attempts.Add(
                    {{"effect", std::string(pool::Name(effect))}, {"result", std::string(name)}})};
    }
  }

  auto& in_doubt = AddCounters(registry, "auth_tx_in_doubt_total",
                               "Writes whose outcome was not known, and what became of them.");
  for (std::size_t i = 0; const std::string_view name :
                          {std::string_view("replayed"), std::string_view("unknown"), kOther}) {
    in_doubt_[i++] = {name, &in_doubt.Add({{"resolution", std::string(name)}})};
  }
}

void PoolMetrics::OnAcquire(pool::AcquireResult result, Duration wait) {
  acquire_->Observe(ToSeconds(wait));
  switch (result) {
    case pool::AcquireResult::kTimeout:
      return acquire_timeouts_->Increment();
    case pool::AcquireResult::kRejected:
    case pool::AcquireResult::kUnavailable:
      return rejected_->Increment();
    case pool::AcquireResult::kOk:
    case pool::AcquireResult::kShutDown:
      return;
  }
}

void PoolMetrics::OnConnected(Duration took) { connect_->Observe(ToSeconds(took)); }

void PoolMetrics::OnConnectFailed(int /*attempt*/, int /*max_attempts*/, const absl::Status& why) {
  const std::optional<pool::SqlError> error = pool::GetSqlError(why);
  IncrementNamed(connect_failures_, error ? pool::SqlFaultName(error->fault) : kOther);
}

void PoolMetrics::OnValidated(pool::ValidationTier tier, bool alive) {
  validations_[Index(tier)][alive]->Increment();
}

void PoolMetrics::OnRetired(pool::RetireReason reason) { retired_[Index(reason)]->Increment(); }

void PoolMetrics::OnRecreated(pool::RecreateReason reason, int64_t /*generation*/) {
  recreations_[Index(reason)]->Increment();
}

void PoolMetrics::OnLeak(Duration /*borrowed_for*/) { leaks_->Increment(); }

void PoolMetrics::OnAttempt(Effect effect, std::string_view fault) {
  IncrementNamed(attempts_[Index(effect)], fault.empty() ? kOk : fault);
}

void PoolMetrics::OnInDoubt(std::string_view resolution) { IncrementNamed(in_doubt_, resolution); }

}  // namespace auth::ops
