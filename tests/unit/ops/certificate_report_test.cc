#include "server/ops/certificate_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <string>

#include "absl/status/status.h"
#include "tests/unit/ops/log_capture.h"

namespace auth::ops {
namespace {

using ::testing::HasSubstr;

TEST(CertificateReportTest, LogAndMetricsTellWhatIsInForceAndWhatIsRefused) {
  prometheus::Registry registry;
  const auto page = [&] {
    return prometheus::TextSerializer().prometheus::Serializer::Serialize(registry.Collect());
  };
  LogCapture log;
  CertificateReport report(&registry, log.logger());
  report.OnChange(WallTime(std::chrono::seconds(1'800'000'000)));
  report.OnChange(absl::InvalidArgumentError("--tls-key=/key is bad"));
  EXPECT_THAT(page(), HasSubstr("auth_tls_certificate_not_after_timestamp_seconds 1800000000\n"));
  EXPECT_THAT(page(), HasSubstr("auth_tls_reloads_total{result=\"used\"} 1\n"));
  EXPECT_THAT(page(), HasSubstr("auth_tls_reloads_total{result=\"refused\"} 1\n"));
  EXPECT_THAT(page(), HasSubstr("auth_tls_files_refused 1\n"));
  report.OnChange(WallTime(std::chrono::seconds(1'800'000'000)));
  EXPECT_THAT(page(), HasSubstr("auth_tls_files_refused 0\n"));
  const auto lines = log.Lines();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["event"], "tls_certificate");
  EXPECT_EQ(lines[0]["not_after"], "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(lines[1]["event"], "tls_files_refused");
  EXPECT_EQ(lines[1]["message"], "--tls-key=/key is bad; what was read before stays in force");
}

}  // namespace
}  // namespace auth::ops
