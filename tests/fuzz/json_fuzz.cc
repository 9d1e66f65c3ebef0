// The JSON of the HTTP gateway: what is read can be written, and reads again as the same.

#include <google/protobuf/util/message_differencer.h>

#include <nlohmann/json.hpp>
#include <string>

#include "auth/v1/auth_service.pb.h"
#include "server/rpc/json_codec.h"
#include "tests/fuzz/fuzz_target.h"

namespace auth::testing {

void FuzzOne(std::string_view input) {
  v1::RegisterResponse response;  // has messages in messages, and times
  if (rpc::ReadJson(input, &response)) {
    const std::string text = rpc::WriteJson(response);
    Expect(nlohmann::json::accept(text), "what is written is JSON");
    v1::RegisterResponse again;
    Expect(rpc::ReadJson(text, &again), "what is written can be read");
    Expect(google::protobuf::util::MessageDifferencer::Equals(response, again),
           "and is the same message");
  }
  v1::RegisterRequest request;
  if (rpc::ReadJson(input, &request)) {
    Expect(nlohmann::json::accept(input), "only JSON is read");
  }
}

}  // namespace auth::testing
