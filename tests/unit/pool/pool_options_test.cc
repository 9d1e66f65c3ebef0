#include "pool/pool_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/support/status_matchers.h"

namespace auth::pool {
namespace {

using testing::IsOk;
using testing::StatusIs;

TEST(PoolOptionsTest, DefaultsAreValid) { EXPECT_THAT(PoolOptions().Validate(), IsOk()); }

TEST(PoolOptionsTest, EdgesAreValid) {
  PoolOptions options;
  options.min_connections = options.max_connections = 1;
  options.max_waiters = 1;
  options.validate_after_idle = Duration::zero();
  options.max_connecting = 1;
  options.acquire_timeout = Duration(1);
  options.replace_over = Duration::zero();
  EXPECT_THAT(options.Validate(), IsOk());
  options.min_connections = 0;
  EXPECT_THAT(options.Validate(), IsOk());
}

TEST(PoolOptionsTest, NamesTheOptionThatIsWrong) {
  struct Case {
    std::string option;
    std::function<void(PoolOptions&)> spoil;
  };
  const Case cases[] = {
      {"max_connections", [](PoolOptions& o) { o.max_connections = o.min_connections = 0; }},
      {"min_connections", [](PoolOptions& o) { o.min_connections = -1; }},
      {"min_connections", [](PoolOptions& o) { o.min_connections = o.max_connections + 1; }},
      {"max_waiters", [](PoolOptions& o) { o.max_waiters = 0; }},
      {"max_retries", [](PoolOptions& o) { o.max_retries = 0; }},
      {"max_connecting", [](PoolOptions& o) { o.max_connecting = 0; }},
      {"connect_timeout", [](PoolOptions& o) { o.connect_timeout = {}; }},
      {"acquire_timeout", [](PoolOptions& o) { o.acquire_timeout = Duration(-1); }},
      {"retry_delay", [](PoolOptions& o) { o.retry_delay = {}; }},
      {"outage_patience", [](PoolOptions& o) { o.outage_patience = {}; }},
      {"validate_after_idle", [](PoolOptions& o) { o.validate_after_idle = Duration(-1); }},
      {"ping_timeout", [](PoolOptions& o) { o.ping_timeout = {}; }},
      {"idle_timeout", [](PoolOptions& o) { o.idle_timeout = {}; }},
      {"max_lifetime", [](PoolOptions& o) { o.max_lifetime = {}; }},
      {"replace_over", [](PoolOptions& o) { o.replace_over = Duration(-1); }},
      {"leak_threshold", [](PoolOptions& o) { o.leak_threshold = {}; }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.option);
    PoolOptions options;
    c.spoil(options);
    const absl::Status status = options.Validate();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(std::string(status.message()), ::testing::StartsWith(c.option));
  }
}

}  // namespace
}  // namespace auth::pool
