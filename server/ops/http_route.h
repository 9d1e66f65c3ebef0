#pragma once

#include <functional>
#include <string>

#include "server/ops/http_message.h"

namespace auth::ops {

// One path of OpsHttpServer and who answers it.
struct HttpRoute {
  std::string path;  // exact, e.g. "/readyz"; a query string is ignored
  // Must not throw. Runs on the server's event thread and must not block, unless `may_block`.
  std::function<HttpResponse()> handler;
  // Runs on a second thread, one at a time: all requests that wait for it share its next answer.
  bool may_block = false;
};

}  // namespace auth::ops
