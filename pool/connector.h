#pragma once

#include <thread>
#include <vector>

#include "pool/clock.h"
#include "pool/connection.h"
#include "pool/pool_options.h"
#include "pool/pool_state.h"

namespace auth::pool {

// The threads that connect, max_connecting of them: wait until PoolState wants a connection, open
// it, hand it over; or dial, when PoolState wants no more than to know whether anybody listens.
//
// All must outlive it. Its destruction stops PoolState and joins the threads; to let it wait for no
// connect, call ConnectionFactory::Cancel before. The constructor throws std::system_error if there
// is no thread to be had; then it has stopped PoolState.
class Connector {
 public:
  Connector(const PoolOptions& options, const Clock* clock, ConnectionFactory* factory,
            PoolState* state);
  ~Connector();

 private:
  void Run();
  void Connect(Slot* slot);
  void Join();

  const Duration connect_timeout_;
  const Clock* const clock_;
  ConnectionFactory* const factory_;
  PoolState* const state_;
  std::vector<std::thread> threads_;
};

}  // namespace auth::pool
