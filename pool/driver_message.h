#pragma once

#include <string>
#include <string_view>

namespace auth::pool {

// Reads libpq's error texts, where they are all there is: libpq keeps the SQLSTATE of a failed
// connect, and libpqxx the constraint of a failed statement, in the text only. It must have been
// made with PQERRORS_VERBOSE ("FATAL:  28P01: password authentication failed …"). Independent of
// the server's language.

// The first SQLSTATE in `text`; empty if there is none.
std::string SqlStateIn(std::string_view text);

// The constraint that a 23503, 23505, 23514 or 23P01 violated; empty for any other SQLSTATE.
std::string ConstraintIn(std::string_view text, std::string_view sqlstate);

// What happened, in one line for the log. Leaves out the details, which quote the row's values.
std::string Summary(std::string_view text);

}  // namespace auth::pool
