#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "pool/mutex.h"
#include "server/ops/http_route.h"

namespace auth::ops {

// Runs the handlers that may block, on a thread of its own. A handler begins after the requests
// that it answers have come, and answers all of its route that wait at that moment: many probes at
// once cost no more than one.
//
// Thread-safe; answers are called on its thread, or in Stop's or Submit's caller once stopped.
class BlockingRoutes {
 public:
  using Answer = std::function<void(const HttpResponse&)>;

  BlockingRoutes();
  ~BlockingRoutes();

  // `route` must outlive this object. `answer` is called exactly once.
  void Submit(const HttpRoute* route, Answer answer);
  // Finishes the running handler, answers 503 to the rest and to whatever is submitted later.
  void Stop();

 private:
  struct Request {
    const HttpRoute* route;
    Answer answer;
  };
  void Run();

  Mutex mutex_;
  CondVar changed_;
  std::vector<Request> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace auth::ops
