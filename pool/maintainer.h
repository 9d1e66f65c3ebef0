#pragma once

#include <thread>

#include "pool/pool_observer.h"
#include "pool/pool_state.h"

namespace auth::pool {

// The thread that closes connections which are too old, too long idle or of an old generation, and
// peeks at the idle ones after a loss. It sleeps while there is nothing to do.
//
// All must outlive it. Its destruction stops PoolState and joins the thread. The constructor throws
// std::system_error if there is no thread to be had.
class Maintainer {
 public:
  Maintainer(PoolObserver* observer, PoolState* state);
  ~Maintainer();

 private:
  void Run();

  PoolObserver* const observer_;
  PoolState* const state_;
  std::thread thread_;
};

}  // namespace auth::pool
