#include "pool/connector.h"

#include <pthread.h>

#include <chrono>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"

namespace auth::pool {
namespace {

// A listener accepts within a round trip.
constexpr std::chrono::seconds kDialTimeout(1);

}  // namespace

Connector::Connector(const PoolOptions& options, const Clock* clock, ConnectionFactory* factory,
                     PoolState* state)
    : connect_timeout_(options.connect_timeout), clock_(clock), factory_(factory), state_(state) {
  try {
    for (int i = 0; i < options.max_connecting; ++i) {
      threads_.emplace_back([this] { Run(); });
      pthread_setname_np(threads_.back().native_handle(), "pool-connect");
    }
  } catch (...) {
    Join();
    throw;
  }
}

Connector::~Connector() { Join(); }

void Connector::Join() {
  state_->Stop();
  for (std::thread& thread : threads_) thread.join();
}

void Connector::Run() {
  while (true) {
    const ConnectTask task = state_->AwaitConnect();
    if (task.connect != nullptr) {
      Connect(task.connect);
    } else if (task.dial) {
      state_->OnDialed(factory_->Dial(clock_->Monotonic() + kDialTimeout));
    } else {
      return;
    }
  }
}

void Connector::Connect(Slot* slot) {
  const MonotonicTime started = clock_->Monotonic();
  absl::StatusOr<std::unique_ptr<Connection>> connection =
      factory_->Connect(started + connect_timeout_);
  if (!connection.ok()) {
    state_->OnConnectFailed(slot, connection.status(), started);
  } else if (!state_->OnConnected(slot, *std::move(connection), started)) {
    slot->connection.reset();
    state_->OnClosed(slot);
  }
}

}  // namespace auth::pool
