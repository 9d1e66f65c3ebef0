#include "pool/effect.h"

namespace auth::pool {

std::string_view Name(Effect effect) {
  switch (effect) {
    case Effect::kReadOnly:
      return "read_only";
    case Effect::kIdempotent:
      return "idempotent";
    case Effect::kOnce:
      return "once";
  }
  return "unknown";
}

}  // namespace auth::pool
