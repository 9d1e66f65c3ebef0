#pragma once

#include <string_view>

namespace auth::testing {

// What a fuzz target does with one input: each *_fuzz.cc defines it, and is a libFuzzer program of
// its own. Must be deterministic, and hold on to nothing that an input has changed.
void FuzzOne(std::string_view input);

// Ends the process with a word on what was expected, unless `holds`: libFuzzer then keeps the
// input.
//
//   Expect(Token::Parse(token->ToString()).has_value(), "a token is read as it was written");
void Expect(bool holds, const char* property);

}  // namespace auth::testing
