#include "server/ops/certificate_report.h"

#include <string>

#include "server/ops/metric_families.h"
#include "server/ops/timestamp.h"

namespace auth::ops {

CertificateReport::CertificateReport(prometheus::Registry* registry, Logger* logger)
    : logger_(logger),
      not_after_(AddGauge(registry, "auth_tls_certificate_not_after_timestamp_seconds",
                          "When the server's certificate expires, in seconds since 1970.")),
      files_refused_(AddGauge(registry, "auth_tls_files_refused",
                              "1 while the certificate files that are there cannot be used, and "
                              "what was read before is in force.")) {
  auto& reloads = AddCounters(registry, "auth_tls_reloads_total",
                              "Certificate files that were read anew, by whether they could be "
                              "used; the first reading counts.");
  used_ = &reloads.Add({{"result", "used"}});
  refused_ = &reloads.Add({{"result", "refused"}});
}

void CertificateReport::OnChange(const absl::StatusOr<WallTime>& not_after) {
  files_refused_->Set(not_after.ok() ? 0 : 1);
  if (!not_after.ok()) {
    refused_->Increment();
    const std::string why(not_after.status().message());
    return logger_->Error("tls_files_refused",
                          {{"message", why + "; what was read before stays in force"}});
  }
  used_->Increment();
  not_after_->Set(ToSeconds(not_after->time_since_epoch()));
  logger_->Info("tls_certificate", {{"not_after", FormatTimestamp(*not_after)}});
}

}  // namespace auth::ops
