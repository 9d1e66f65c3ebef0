# Writes OUTPUT, a C++ file that holds the parts of the dashboard: SOURCE/dashboard.{html,css}, and
# SOURCE/<name>.js of each of SCRIPTS, one after the other.
file(READ ${SOURCE}/dashboard.html html)
file(READ ${SOURCE}/dashboard.css css)
set(js "")
foreach(name IN LISTS SCRIPTS)
  file(READ ${SOURCE}/${name}.js script)
  string(APPEND js "${script}")
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
