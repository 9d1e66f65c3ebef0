// Session tokens: one token has one text, and every text of the right bytes is one.

#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "server/account/token.h"
#include "tests/fuzz/fuzz_target.h"

namespace auth::testing {

using account::Token;

void FuzzOne(std::string_view input) {
  if (const std::optional<Token> token = Token::Parse(input)) {
    Expect(token->ToString() == input, "a token is written as it was read");
    Expect(token->Hash() == Token::Parse(input)->Hash(), "a token has one hash");
  }

  std::string text;
  absl::WebSafeBase64Escape({input.data(), input.size()}, &text);
  const std::optional<Token> token = Token::Parse(text);
  Expect(token.has_value() == (input.size() == 32), "32 bytes are a token, and nothing else is");
  if (token) Expect(token->ToString() == text, "a token is written as it was read");
}

}  // namespace auth::testing
