#pragma once

#include <string_view>

namespace auth::pool {

// What repeating does to the database, and so what may be replayed after a lost connection.
enum class Effect {
  kReadOnly,    // reads: replayed
  kIdempotent,  // writes that converge when repeated (ids chosen beforehand): replayed
  kOnce,        // anything else: replayed only if nothing was sent that could last, i.e. before an
                // autocommitted statement or the COMMIT
};

// For logs and metric labels, e.g. "read_only".
std::string_view Name(Effect effect);

}  // namespace auth::pool
