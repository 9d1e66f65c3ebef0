#include <gmock/gmock.h>

#include <string>

#include "server/ops/otlp/span_export.h"
#include "tests/support/status_matchers.h"

namespace auth::ops {
namespace {

TEST(NoSpanExportTest, SaysHowToHaveIt) {
  const auto exported = ExportSpans("http://127.0.0.1:4317", "1.0", nullptr, nullptr);
  EXPECT_EQ(exported.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(exported.status().message()),
              ::testing::AllOf(::testing::HasSubstr("--otlp-endpoint"),
                               ::testing::HasSubstr("AUTH_WITH_OTLP")));
}

}  // namespace
}  // namespace auth::ops
