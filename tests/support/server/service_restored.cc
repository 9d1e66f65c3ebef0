#include "tests/support/server/service_restored.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/calls.h"

namespace auth::testing {

void ExpectServiceRestored(const std::string& address, const std::string& url, History* history,
                           std::chrono::milliseconds within) {
  using std::chrono::milliseconds;
  using std::chrono::steady_clock;
  const auto stub = NewPlainStub(address);
  const auto end = steady_clock::now() + within;
  const auto left = [end] {
    return std::max(std::chrono::duration_cast<milliseconds>(end - steady_clock::now()),
                    milliseconds(1));
  };
  grpc::Status status;
  const bool restored = Eventually(
      [&] {
        const std::string email = absl::StrCat("restored-", history->operations(), "@example.com");
        const RegisterAttempt attempt = Register(stub.get(), email, "", left());
        history->Record(attempt);
        status = attempt.status;
        if (!status.ok()) return false;
        status = Validate(stub.get(), attempt.response.session().session_token(), left());
        return status.ok();
      },
      within);
  EXPECT_TRUE(restored) << "service is not restored within " << within.count()
                        << " ms: " << status.error_message();
  EXPECT_EQ(history->Check(url), "");
}

}  // namespace auth::testing
