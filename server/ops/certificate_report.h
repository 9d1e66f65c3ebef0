#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "server/ops/logger.h"

namespace prometheus {
class Counter;
class Gauge;
class Registry;
}  // namespace prometheus

namespace auth::ops {

// What log and metrics tell of the server's certificate:
//   auth_tls_certificate_not_after_timestamp_seconds   when it expires
//   auth_tls_reloads_total{result="used|refused"}      changes of its files
//   auth_tls_files_refused                             1 while those that are there cannot be used
//
// Thread-safe. `registry` and `logger` must outlive it.
class CertificateReport {
 public:
  CertificateReport(prometheus::Registry* registry, Logger* logger);

  // A certificate is in force, or the files that are there cannot be used.
  void OnChange(const absl::StatusOr<WallTime>& not_after);

 private:
  Logger* const logger_;
  prometheus::Gauge* not_after_;
  prometheus::Gauge* files_refused_;
  prometheus::Counter* used_;
  prometheus::Counter* refused_;
};

}  // namespace auth::ops
