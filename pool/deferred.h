#pragma once

#include <functional>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "pool/mutex.h"
#include "pool/pool_observer.h"

namespace auth::pool {

// What was decided under the pool's lock and is done after it: threads to wake, calls to the
// observer. Declare it before the lock, so that it is destroyed after:
//
//   Deferred deferred(observer_);
//   MutexLock lock(&mutex_);
//   …
//   deferred.Tell([reason](PoolObserver& observer) { observer.OnRetired(reason); });
class Deferred {
 public:
  explicit Deferred(PoolObserver* observer) : observer_(observer) {}
  ~Deferred() {
    for (CondVar* condition : wake_) condition->NotifyAll();
    for (const auto& call : calls_) call(*observer_);
  }
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

  // `condition` must live until then.
  void Wake(CondVar* condition) { wake_.push_back(condition); }
  void Tell(std::function<void(PoolObserver&)> call) { calls_.push_back(std::move(call)); }
  bool empty() const { return wake_.empty() && calls_.empty(); }

 private:
  PoolObserver* const observer_;
  absl::InlinedVector<CondVar*, 4> wake_;
  absl::InlinedVector<std::function<void(PoolObserver&)>, 1> calls_;
};

}  // namespace auth::pool
