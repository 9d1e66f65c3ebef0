# Writes OUTPUT, a C++ file that holds the parts of the dashboard, SOURCE/dashboard.{html,css,js}.
foreach(part IN ITEMS html css js)
  file(READ ${SOURCE}/dashboard.${part} ${part})
endforeach()
file(WRITE ${OUTPUT} "// Generated from dashboard/* by embed_dashboard.cmake.
#include \"server/ops/dashboard_parts.h\"

namespace auth::ops {

DashboardParts EmbeddedDashboardParts() {
  return {
      .html = R\"part(${html})part\",
      .css = R\"part(${css})part\",
      .js = R\"part(${js})part\",
  };
}

}  // namespace auth::ops
")
