#include "server/ops/blocking_routes.h"

#include <pthread.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace auth::ops {
namespace {

HttpResponse Stopping() {
  return {.status = 503, .body = "{\"status\":\"unavailable\",\"reason\":\"shutting down\"}\n"};
}

}  // namespace

BlockingRoutes::BlockingRoutes() : thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "ops-blocking");
}

BlockingRoutes::~BlockingRoutes() { Stop(); }

void BlockingRoutes::Submit(const HttpRoute* route, Answer answer) {
  {
    MutexLock lock(&mutex_);
    if (!stopping_) {
      waiting_.push_back({route, std::move(answer)});
      changed_.NotifyOne();
      return;
    }
  }
  answer(Stopping());
}

void BlockingRoutes::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyOne();
  if (thread_.joinable()) thread_.join();
  std::vector<Request> rest;
  {
    MutexLock lock(&mutex_);
    rest.swap(waiting_);
  }
  for (const Request& request : rest) request.answer(Stopping());
}

void BlockingRoutes::Run() {
  while (true) {
    std::vector<Request> batch;
    {
      MutexLock lock(&mutex_);
      while (waiting_.empty() && !stopping_) changed_.Wait(&mutex_);
      if (stopping_) return;
      const HttpRoute* route = waiting_.front().route;
      const auto others = std::stable_partition(waiting_.begin(), waiting_.end(),
                                                [&](const Request& r) { return r.route == route; });
      std::move(waiting_.begin(), others, std::back_inserter(batch));
      waiting_.erase(waiting_.begin(), others);
    }
    const HttpResponse response = batch.front().route->handler();
    for (const Request& request : batch) request.answer(response);
  }
}

}  // namespace auth::ops
