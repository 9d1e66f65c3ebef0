#pragma once

#include "server/ops/http_message.h"

namespace auth::ops {

// The page of /dashboard: one document that needs nothing else and polls /dashboard/snapshot of
// its own origin. Its Content-Security-Policy names the hashes of its one style and its one script,
// so that a browser runs nothing that was not built in, whatever the data says.
//
// Thread-safe. The page is put together at the first call.
HttpResponse DashboardPage();

}  // namespace auth::ops
