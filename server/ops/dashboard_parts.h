#pragma once

#include <string_view>

namespace auth::ops {

// The files of server/ops/dashboard, as they were when the server was built.
struct DashboardParts {
  std::string_view html;  // has "@dashboard.css@" and "@dashboard.js@" where those belong
  std::string_view css;
  std::string_view js;  // all scripts, as one module
};

DashboardParts EmbeddedDashboardParts();

}  // namespace auth::ops
