// In the place of span_export.cc in a build without OpenTelemetry.

#include "server/ops/otlp/span_export.h"

namespace auth::ops {

absl::StatusOr<std::unique_ptr<CallObserver>> ExportSpans(const std::string& /*endpoint*/,
                                                          const std::string& /*version*/,
                                                          const Clock* /*clock*/,
                                                          Logger* /*logger*/) {
  return absl::InvalidArgumentError(
      "--otlp-endpoint: this auth_server was built without OpenTelemetry: install "
      "opentelemetry-cpp-dev (Debian 12: from bookworm-backports) and build with "
      "-D AUTH_WITH_OTLP=ON, or leave the flag out");
}

}  // namespace auth::ops
