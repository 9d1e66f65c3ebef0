#pragma once

#include <string>

#include "absl/status/status.h"
#include "client/authctl/command_line.h"

namespace auth::authctl {

// A failed call in words.
struct FailureText {
  std::string what;  // a sentence without its full stop
  std::string hint;  // what to do about it; may be empty
  // Whether the call came as far as a server, which can know its trace id.
  bool sent = true;
};

// `token_origin` is where the token of an AdminService call came from, as OriginOfToken names it.
FailureText ExplainFailure(const absl::Status& failure, const CommandLine& line,
                           const std::string& token_origin);

}  // namespace auth::authctl
