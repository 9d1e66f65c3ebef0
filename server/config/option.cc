#include "server/config/option.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace auth::server {

std::string EnvironmentName(const std::string& option_name) {
  return absl::StrCat("AUTH_",
                      absl::StrReplaceAll(absl::AsciiStrToUpper(option_name), {{"-", "_"}}));
}

}  // namespace auth::server
