#include "pool/query.h"

namespace auth::pool {

std::vector<const char*> ToPointers(const Params& params) {
  std::vector<const char*> pointers;
  pointers.reserve(params.size());
  for (const Value& value : params) pointers.push_back(value ? value->c_str() : nullptr);
  return pointers;
}

}  // namespace auth::pool
