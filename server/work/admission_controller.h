#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "pool/clock.h"
#include "pool/mutex.h"

namespace auth::work {

// Decides at arrival whether a call can be done: early refusal is cheaper for everybody than a call
// that waits and then fails. A database that makes calls wait is no reason to refuse.
//
// Thread-safe. A Ticket must not outlive its controller.
class AdmissionController {
 public:
  struct Options {
    int hash_workers = 1;
    int hash_queue = 256;  // calls that may wait for a hash worker
    // Calls that are served by the store, or will be: at work there, waiting for a worker or for a
    // connection, or still hashing.
    int store_calls = 2010;
  };

  // What a call begins with: a hash takes a place in both queues, since its result is stored. One
  // that hashes after it was at the store takes its place in the hash queue then (AcquireHash), and
  // is refused at once if there would be none.
  enum class Needs { kStore, kHashAndStore, kStoreThenHash };

  // Refused; the caller may try again after `retry_after`.
  struct Refusal {
    Duration retry_after;
  };

  // A call's places in the queues; gives them back when destroyed.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket();
    // Takes a place for a hash, if it has none; refused as Admit refuses. For a call that waits for
    // the database before it hashes: meanwhile it must not keep others from hashing.
    std::optional<Refusal> AcquireHash(MonotonicTime deadline);
    // The hashing is done: its place is free for another call. May be called again.
    void ReleaseHash();

   private:
    friend class AdmissionController;
    Ticket(AdmissionController* controller, bool holds_hash);
    AdmissionController* controller_;
    bool holds_hash_;
  };

  AdmissionController(Options options, const Clock* clock);

  // Refuses if a queue is full, or if the expected wait for a hash worker (calls before this one
  // times the recent time of a hash, by the number of workers) exceeds the time left.
  std::variant<Ticket, Refusal> Admit(Needs needs, MonotonicTime deadline);

  // Feeds the estimate: how long one hash task ran.
  void RecordHash(Duration took);

 private:
  // Why there is no place for a hash: none is left, or the wait would be too long.
  std::optional<Refusal> RefuseHash(MonotonicTime deadline) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Release(bool hash, bool store);

  const Options options_;
  const Clock* const clock_;
  mutable Mutex mutex_;
  int hash_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  int store_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  Duration hash_time_ ABSL_GUARDED_BY(mutex_){};  // moving average; zero until the first record
};

}  // namespace auth::work
