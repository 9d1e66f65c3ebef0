#include "client/authctl/failure_text.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/authctl/display_width.h"
#include "client/authctl/reason_name.h"
#include "client/channel.h"
#include "client/errors.h"

namespace auth::authctl {
namespace {

constexpr char kServiceTokens[] =
    "The server lists its service tokens in the file of --service-tokens-file; pool commands need "
    "one with the role admin.";

// gRPC's words, shortened to what comes last: "Connection refused".
std::string LastWords(const std::string& message) {
  const size_t colon = message.rfind(": ");
  return Printable(colon == std::string::npos ? message : message.substr(colon + 2));
}

FailureText Unreachable(const CommandLine& line, const std::string& why, const std::string& hint) {
  return {absl::StrCat("server unreachable at ", line.channel.target, ": ", why), hint,
          /*sent=*/false};
}

// A connection that the TLS handshake has ended, or its absence.
std::optional<FailureText> ExplainTls(const std::string& message, const CommandLine& line) {
  const std::optional<client::TlsOptions>& tls = line.channel.tls;
  // OpenSSL and BoringSSL, with either of which gRPC is built, write the same words in two ways.
  const std::string lower = absl::AsciiStrToLower(message);
  const bool closed =
      absl::StrContains(message, "Socket closed") || absl::StrContains(message, "Connection reset");
  if (absl::StrContains(lower, "wrong version number") ||
      absl::StrContains(lower, "wrong_version_number")) {
    return Unreachable(line, "it does not speak TLS", "Leave the --tls options out.");
  }
  if (absl::StrContains(lower, "certificate verify failed") ||
      absl::StrContains(lower, "certificate_verify_failed")) {
    return Unreachable(line, "its certificate is expired, or of an authority that is not trusted",
                       tls.has_value() && !tls->ca_file.empty()
                           ? absl::StrCat("Does ", tls->ca_file, " hold its authority?")
                           : "Name its authority: --tls-ca FILE.");
  }
  if (absl::StrContains(message, "not in peer certificate")) {
    return Unreachable(line, "its certificate is for another name",
                       "Name the one it is for: --tls-server-name NAME.");
  }
  if (tls.has_value() && absl::StrContains(message, "empty address list")) {
    return Unreachable(line, "the TLS files cannot be used",
                       "Does --tls-key belong to --tls-cert?");
  }
  if (!closed) return std::nullopt;
  if (!tls.has_value()) {
    return Unreachable(line, "it closed the connection at once",
                       "Does it expect TLS? --tls, or --tls-ca FILE.");
  }
  return Unreachable(line, "it closed the connection after the TLS handshake",
                     tls->cert_file.empty()
                         ? "Does it demand a certificate? --tls-cert FILE --tls-key FILE."
                         : absl::StrCat("Does it trust ", tls->cert_file, "?"));
}

FailureText ExplainUnavailable(const std::string& message, const CommandLine& line) {
  if (absl::StrContains(message, "DNS resolution failed")) {
    return Unreachable(line, absl::StrCat("its name is not found (", LastWords(message), ")"),
                       "Name another with --server HOST:PORT.");
  }
  const bool connecting = absl::StrContains(message, "failed to connect to all addresses") ||
                          absl::StrContains(message, "connections to all backends failing") ||
                          absl::StrContains(message, "empty address list");
  if (!connecting) {  // an established connection, on which the call may have gone out
    return {absl::StrCat("lost the connection to ", line.channel.target, ": ", LastWords(message)),
            "Did the server just stop?"};
  }
  if (const auto tls = ExplainTls(message, line)) return *tls;
  return Unreachable(line, LastWords(message),
                     client::IsLoopback(line.channel.target)
                         ? "Is it running? Try `deploy/run`, or name another with --server "
                           "HOST:PORT."
                         : "Is it running there? Name another with --server HOST:PORT.");
}

std::optional<FailureText> ExplainAdmin(const absl::Status& failure, const CommandLine& line,
                                        const std::string& token_origin) {
  const std::string& server = line.channel.target;
  if (absl::IsUnauthenticated(failure)) {
    return FailureText{absl::StrCat(server, " does not know the service token of ", token_origin),
                       kServiceTokens};
  }
  if (absl::IsPermissionDenied(failure)) {
    return FailureText{
        absl::StrCat("the service token of ", token_origin, " may not do this at ", server),
        kServiceTokens};
  }
  if (absl::IsUnimplemented(failure)) {
    return FailureText{absl::StrCat(server, " offers no AdminService"),
                       "Start auth_server with --service-tokens-file FILE."};
  }
  return std::nullopt;
}

}  // namespace

FailureText ExplainFailure(const absl::Status& failure, const CommandLine& line,
                           const std::string& token_origin) {
  const std::string& server = line.channel.target;
  const std::string message(failure.message());
  if (line.is_admin()) {
    if (auto text = ExplainAdmin(failure, line, token_origin)) return *std::move(text);
  }
  if (const std::string reason = ReasonName(client::ReasonOf(failure)); !reason.empty()) {
    return {absl::StrCat(Printable(message), " [", reason, "]"), ""};
  }
  if (absl::IsUnavailable(failure)) return ExplainUnavailable(message, line);
  if (absl::IsDeadlineExceeded(failure)) {
    return {absl::StrCat("no answer from ", server, " within ",
                         absl::FormatDuration(absl::FromChrono(line.timeout))),
            "Try a longer --timeout, and `authctl health`."};
  }
  return {absl::StrCat(server, " answered ", absl::StatusCodeToString(failure.code()),
                       message.empty() ? "" : ": ", Printable(message)),
          ""};
}

}  // namespace auth::authctl
