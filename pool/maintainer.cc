#include "pool/maintainer.h"

#include <pthread.h>

namespace auth::pool {

Maintainer::Maintainer(PoolObserver* observer, PoolState* state)
    : observer_(observer), state_(state), thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "pool-maintain");
}

Maintainer::~Maintainer() {
  state_->Stop();
  thread_.join();
}

void Maintainer::Run() {
  while (true) {
    const Maintenance work = state_->AwaitMaintenance();
    if (work.close == nullptr && work.sweep == nullptr) return;
    Slot* close = work.close;
    if (work.sweep != nullptr) {
      const SocketState socket = work.sweep->connection->Peek();
      observer_->OnValidated(ValidationTier::kPeek, socket != SocketState::kDead);
      if (!state_->OnSwept(work.sweep, socket)) close = work.sweep;
    }
    if (close != nullptr) {
      close->connection.reset();
      state_->OnClosed(close);
    }
  }
}

}  // namespace auth::pool
