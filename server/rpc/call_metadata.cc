#include "server/rpc/call_metadata.h"

#include <algorithm>
#include <cstddef>

#include "server/account/uuid.h"

namespace auth::rpc {
namespace {

constexpr size_t kMaxRequestIdLength = 128;

bool IsIdCharacter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_' || c == '.';
}

}  // namespace

bool IsSaneRequestId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxRequestIdLength &&
         std::all_of(id.begin(), id.end(), IsIdCharacter);
}

std::string RequestIdOr(std::string_view id, const Clock& clock) {
  return IsSaneRequestId(id) ? std::string(id) : account::Uuid::NewV7(clock.Now()).ToString();
}

}  // namespace auth::rpc
