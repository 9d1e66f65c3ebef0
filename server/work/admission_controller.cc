#include "server/work/admission_controller.h"

#include <algorithm>

namespace auth::work {
namespace {

// The weight of the newest hash in the average: old enough to ignore one slow hash, new enough to
// follow a machine that becomes busy within a few seconds.
constexpr int kNewestWeight = 8;

// Sooner than this nobody should come back, whatever the estimate says.
constexpr Duration kMinRetryAfter = std::chrono::milliseconds(100);
// Nor is an estimate of minutes worth much.
constexpr Duration kMaxRetryAfter = std::chrono::seconds(10);
// A full store queue means a database that makes calls wait: no estimate, so a fixed pause.
constexpr Duration kStoreRetryAfter = std::chrono::seconds(1);

AdmissionController::Refusal RefuseFor(Duration wait) {
  return {.retry_after = std::clamp(wait, kMinRetryAfter, kMaxRetryAfter)};
}

}  // namespace

AdmissionController::Ticket::Ticket(AdmissionController* controller, bool holds_hash)
    : controller_(controller), holds_hash_(holds_hash) {}

AdmissionController::Ticket::Ticket(Ticket&& other) noexcept
    : controller_(std::exchange(other.controller_, nullptr)),
      holds_hash_(std::exchange(other.holds_hash_, false)) {}

AdmissionController::Ticket& AdmissionController::Ticket::operator=(Ticket&& other) noexcept {
  std::swap(controller_, other.controller_);
  std::swap(holds_hash_, other.holds_hash_);
  return *this;
}

AdmissionController::Ticket::~Ticket() {
  if (controller_ != nullptr) controller_->Release(/*hash=*/holds_hash_, /*store=*/true);
}

std::optional<AdmissionController::Refusal> AdmissionController::Ticket::AcquireHash(
    MonotonicTime deadline) {
  if (holds_hash_) return std::nullopt;
  MutexLock lock(&controller_->mutex_);
  std::optional<Refusal> refusal = controller_->RefuseHash(deadline);
  holds_hash_ = !refusal.has_value();
  if (holds_hash_) ++controller_->hash_calls_;
  return refusal;
}

void AdmissionController::Ticket::ReleaseHash() {
  if (!std::exchange(holds_hash_, false)) return;
  controller_->Release(/*hash=*/true, /*store=*/false);
}

AdmissionController::AdmissionController(Options options, const Clock* clock)
    : options_(options), clock_(clock) {}

std::variant<AdmissionController::Ticket, AdmissionController::Refusal> AdmissionController::Admit(
    Needs needs, MonotonicTime deadline) {
  MutexLock lock(&mutex_);
  if (store_calls_ >= options_.store_calls) return RefuseFor(kStoreRetryAfter);
  if (needs != Needs::kStore) {
    if (const std::optional<Refusal> refusal = RefuseHash(deadline)) return *refusal;
  }
  const bool holds_hash = needs == Needs::kHashAndStore;
  if (holds_hash) ++hash_calls_;
  ++store_calls_;
  return Ticket(this, holds_hash);
}

std::optional<AdmissionController::Refusal> AdmissionController::RefuseHash(
    MonotonicTime deadline) const {
  const Duration left = deadline - clock_->Monotonic();
  const Duration wait = hash_calls_ * hash_time_ / options_.hash_workers;
  // When half of the queue will be done: the others who are refused come back then, too.
  if (hash_calls_ >= options_.hash_workers + options_.hash_queue) return RefuseFor(wait / 2);
  // When the queue will be short enough for a call with as much time as this one has.
  if (wait > left) return RefuseFor(wait - left);
  return std::nullopt;
}

void AdmissionController::RecordHash(Duration took) {
  MutexLock lock(&mutex_);
  if (hash_time_ == Duration::zero()) {
    hash_time_ = took;
  } else {
    hash_time_ += (took - hash_time_) / kNewestWeight;
  }
}

void AdmissionController::Release(bool hash, bool store) {
  MutexLock lock(&mutex_);
  if (hash) --hash_calls_;
  if (store) --store_calls_;
}

}  // namespace auth::work
