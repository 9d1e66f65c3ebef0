#include "tests/support/server/service_restored.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/registration_load.h"

namespace auth::testing {

void ExpectServiceRestored(const std::string& address, const std::string& url, History* history,
                           std::chrono::milliseconds within) {
  const auto stub = NewPlainStub(address);
  grpc::Status status;
  int attempts = 0;
  const bool restored = Eventually(
      [&] {
        const RegisterAttempt attempt =
            Register(stub.get(), absl::StrCat("restored-", ++attempts, "@example.com"), "", within);
        history->Record(attempt);
        status = attempt.status;
        if (!status.ok()) return false;
        grpc::ClientContext context;
        v1::ValidateSessionRequest request;
        v1::ValidateSessionResponse response;
        context.set_deadline(std::chrono::system_clock::now() + within);
        request.set_session_token(attempt.response.session().session_token());
        status = stub->ValidateSession(&context, request, &response);
        return status.ok();
      },
      within);
  EXPECT_TRUE(restored) << "service is not restored within " << within.count()
                        << " ms: " << status.error_message();
  EXPECT_EQ(history->Check(url), "");
}

}  // namespace auth::testing
