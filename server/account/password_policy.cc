#include "server/account/password_policy.h"

#include <zxcvbn.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/account/secret.h"

namespace auth::account {
namespace {

// zxcvbn's time grows with the cube of the length: 64 bytes cost 0.2 to 1 ms, 1,024 would cost
// seconds. A cut can only lower the estimate.
constexpr size_t kMaxEstimatedBytes = 64;

// Shorter parts of an address occur in good passwords by chance.
constexpr size_t kMinContextBytes = 5;

// "Password" in languages that zxcvbn's lists do not know, as Romanizer writes it; the commonest
// first.
constexpr const char* kForeignPasswordWords[] = {
    "passwort", "parol'",    "parol",    "contrasena", "senha",      "motdepasse",
    "pasuwado", "mi ma",     "mima",     "haslo",      "sifre",      "bimilbeonho",
    "kodikos",  "parola",    "heslo",    "salasana",   "wachtwoord", "losenord",
    "jelszo",   "rhas phan", "klmtalsr", "klmt alsr",  "adgangskode"};

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isascii);
}

bool IsOfWord(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return !absl::ascii_isascii(byte) || absl::ascii_isalnum(byte);
}

void AppendWords(std::string_view text, std::vector<std::string>* words) {
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && IsOfWord(text[i])) continue;
    if (i - begin >= kMinContextBytes) words->emplace_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
}

// The start of `text` that has at most `max_code_points`.
std::string_view FirstCodePoints(std::string_view text, size_t max_code_points) {
  const auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  size_t code_points = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_start(text[i]) && ++code_points > max_code_points) return text.substr(0, i);
  }
  return text;
}

// The words to look for beside zxcvbn's own lists. A word's place is its rank there, and counts as
// guesses: the two kinds take turns, and a place that the context does not need stays empty, so
// that no address moves the other words and makes a password better.
std::vector<const char*> Dictionary(const std::vector<std::string>& context) {
  constexpr char kNoWord[] = "\x01";  // controls are in no password
  constexpr size_t kForeign = std::size(kForeignPasswordWords);
  std::vector<const char*> dictionary;
  dictionary.reserve(kForeign + std::max(kForeign, context.size()) + 1);
  for (size_t i = 0; i < std::max(kForeign, context.size()); ++i) {
    dictionary.push_back(i < context.size() ? context[i].c_str() : kNoWord);
    if (i < kForeign) dictionary.push_back(kForeignPasswordWords[i]);
  }
  dictionary.push_back(nullptr);
  return dictionary;
}

// zxcvbn's estimate for the start of `password`: the binary logarithm of the guesses.
double EstimateBits(std::string_view password, const std::vector<std::string>& context) {
  std::vector<const char*> dictionary = Dictionary(context);
  std::string start(password.substr(0, kMaxEstimatedBytes));
  const double bits = ZxcvbnMatch(start.c_str(), dictionary.data(), nullptr);
  WipeMemory(start.data(), start.size());
  return bits;
}

}  // namespace

absl::Status PasswordPolicy::Options::Validate() const {
  if (min_length < 1 || min_length > PasswordText::kMaxCodePoints) {
    return absl::InvalidArgumentError(absl::StrCat("The minimum length of a password must be 1 to ",
                                                   PasswordText::kMaxCodePoints, ", not ",
                                                   min_length, "."));
  }
  if (!(min_guesses >= 1 && min_guesses <= 1e30)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "The minimum guesses of a password must be 1 to 1e30, not ", min_guesses, "."));
  }
  return absl::OkStatus();
}

PasswordPolicy::PasswordPolicy(const Options& options) : options_(options) {}

bool PasswordPolicy::Check(const PasswordText& password, const EmailAddress* email,
                           std::vector<FieldViolation>* violations) const {
  if (password.code_points() < options_.min_length) {
    violations->push_back({"password", Violation::kPasswordTooShort,
                           absl::StrCat("Use at least ", options_.min_length, " characters.")});
    return false;
  }
  const std::vector<std::string> context =
      email != nullptr ? ContextWords(*email) : std::vector<std::string>();
  double bits = EstimateBits(password.view(), context);
  if (!IsAscii(password.view())) {
    // zxcvbn takes the bytes of other scripts for random ones.
    const Secret romanized =
        romanizer_.Romanize(FirstCodePoints(password.view(), kMaxEstimatedBytes));
    bits = std::min(bits, EstimateBits(romanized.view(), context));
  }
  if (bits >= std::log2(options_.min_guesses)) return true;
  violations->push_back({"password", Violation::kPasswordTooCommon,
                         "Choose a password that is harder to guess: several unrelated words, and "
                         "nothing of the e-mail address."});
  return false;
}

std::vector<std::string> PasswordPolicy::ContextWords(const EmailAddress& email) const {
  std::vector<std::string> words;
  AppendWords(email.key(), &words);
  if (!IsAscii(email.key())) AppendWords(romanizer_.Romanize(email.key()).view(), &words);
  return words;
}

}  // namespace auth::account
