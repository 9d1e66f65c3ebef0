#include "server/config/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "server/account/password_text.h"
#include "server/account/phc_string.h"
#include "server/config/database_options.h"
#include "server/config/option_kinds.h"

namespace auth::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Option ListenOption() {
  Option option{.group = "Listeners",
                .name = "listen",
                .value_name = "HOST:PORT",
                .help =
                    "Where gRPC is served. Port 0 picks a free one. An address that other "
                    "machines reach needs TLS or --allow-plaintext."};
  option.set = [](const std::string& text, Config* config) {
    absl::StatusOr<ListenAddress> address = ListenAddress::Parse(text);
    if (!address.ok()) return address.status();
    config->listen = *std::move(address);
    return absl::OkStatus();
  };
  option.show = [](const Config& config) { return config.listen.ToString(); };
  return option;
}

// The address of a listener that may be off.
Option OptionalListenOption(Option option, std::optional<ListenAddress> Config::*field) {
  option.group = "Listeners";
  option.value_name = "HOST:PORT";
  option.empty_has_meaning = true;
  option.set = [field](const std::string& text, Config* config) {
    (config->*field).reset();
    if (text.empty()) return absl::OkStatus();
    absl::StatusOr<ListenAddress> address = ListenAddress::Parse(text);
    if (!address.ok()) return address.status();
    config->*field = *std::move(address);
    return absl::OkStatus();
  };
  option.show = [field](const Config& config) {
    return config.*field ? (config.*field)->ToString() : "";
  };
  return option;
}

// As browsers write one: scheme, host and perhaps port, in small letters and without a path; or
// `*`.
bool IsOrigin(const std::string& text) {
  if (text == "*") return true;
  for (const std::string scheme : {"https://", "http://"}) {
    if (!absl::StartsWith(text, scheme)) continue;
    const std::string host = text.substr(scheme.size());
    return !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
      return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '.' || c == ':' ||
             c == '[' || c == ']';
    });
  }
  return false;
}

Option CorsOriginOption() {
  Option option{.group = "Listeners",
                .name = "cors-origin",
                .value_name = "ORIGIN,…",
                .help =
                    "Web origins, such as https://app.example.com, whose pages may call over "
                    "--http-listen. `*` lets every page do so. Empty: none."};
  option.set = [](const std::string& text, Config* config) -> absl::Status {
    config->cors_origins = absl::StrSplit(text, ',', absl::SkipWhitespace());
    for (std::string& origin : config->cors_origins) {
      absl::StripAsciiWhitespace(&origin);
      if (IsOrigin(origin)) continue;
      return absl::InvalidArgumentError(
          "must be origins as browsers send them, https://HOST or https://HOST:PORT in small "
          "letters and without a slash at the end, with commas between them");
    }
    return absl::OkStatus();
  };
  option.show = [](const Config& config) { return absl::StrJoin(config.cors_origins, ","); };
  return option;
}

std::vector<Option> ListenerOptions() {
  const std::string group = "Listeners";
  return {
      ListenOption(),
      OptionalListenOption({.name = "http-listen",
                            .help = "Where the same calls are served as JSON over plain HTTP, for "
                                    "curl and browsers: an address that other machines reach needs "
                                    "--allow-plaintext. Empty: off."},
                           &Config::http_listen),
      OptionalListenOption({.name = "ops-listen",
                            .help = "Where /livez, /readyz, /health/database, /metrics, /dashboard "
                                    "and /debug/config are served, in plain HTTP and to everybody "
                                    "who can reach it: an address that other machines reach needs "
                                    "--allow-plaintext. Empty: off."},
                           &Config::ops_listen),
      CorsOriginOption(),
      WithText({.group = group,
                .name = "service-tokens-file",
                .value_name = "FILE",
                .help = "Who may call AdminService: lines `name admin hash`, with the SHA-256 of a "
                        "random bearer token in hex. The file is read each second, and in force "
                        "once it was the same twice. Without it nobody may."},
               &Config::service_tokens_file),
      WithSwitch({.group = group,
                  .name = "allow-plaintext",
                  .help = "Serve without TLS to other machines: passwords and tokens are readable "
                          "on the way. For networks that encrypt by themselves."},
                 &Config::allow_plaintext),
      WithText({.group = group,
                .name = "tls-cert",
                .value_name = "FILE",
                .help = "Certificate chain in PEM, with --tls-key. Replaced files are picked up "
                        "without a restart."},
               &Config::tls_cert),
      WithText({.group = group,
                .name = "tls-key",
                .value_name = "FILE",
                .help = "Private key in PEM, with --tls-cert."},
               &Config::tls_key),
      WithText({.group = group,
                .name = "tls-client-ca",
                .value_name = "FILE",
                .help = "Certificates in PEM; callers must show one that these signed."},
               &Config::tls_client_ca),
      WithOnOff({.group = group,
                 .name = "reflection",
                 .help = "Lets grpcurl and the like ask for the API's description.",
                 .default_text = "on if --listen is loopback, else off"},
                &Config::reflection),
      WithText(
          {.group = group,
           .name = "port-file",
           .value_name = "FILE",
           .help = "Written once listening: lines grpc=…, http=…, ops=… with the real addresses."},
          &Config::port_file),
  };
}

Option PasswordMinGuessesOption() {
  Option option{.group = "Accounts",
                .name = "password-min-guesses",
                .value_name = "NUMBER",
                .help = "A password that libzxcvbn expects to fall to fewer guesses is refused."};
  option.set = [](const std::string& text, Config* config) {
    double guesses = 0;
    if (!absl::SimpleAtod(text, &guesses) || !(guesses >= 1) || guesses > 1e30) {
      return absl::InvalidArgumentError("must be a number from 1 to 1e30, such as 1e5");
    }
    config->password_min_guesses = guesses;
    return absl::OkStatus();
  };
  option.show = [](const Config& config) {
    std::array<char, 32> digits;  // the shortest text that reads as the same number
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), config.password_min_guesses);
    return std::string(digits.data(), end.ptr);
  };
  return option;
}

std::vector<Option> AccountOptions() {
  const std::string group = "Accounts";
  return {
      WithDuration({.group = group,
                    .name = "max-deadline",
                    .help = "The most time that a call gets, and what it gets if the caller sets "
                            "no deadline."},
                   &Config::max_deadline, milliseconds(1)),
      WithDuration({.group = group, .name = "session-ttl", .help = "How long a session lasts."},
                   &Config::session_ttl, seconds(1)),
      // A minimum above what is accepted would refuse every password.
      WithInteger({.group = group,
                   .name = "password-min-length",
                   .help = "In characters (code points). NIST asks for 15 where the password is "
                           "the only factor."},
                  &Config::password_min_length, 1, account::PasswordText::kMaxCodePoints),
      PasswordMinGuessesOption(),
      WithOnOff({.group = group,
                 .name = "rate-limit",
                 .help = "Bounds password attempts on each account. Off only for tests."},
                &Config::rate_limit),
  };
}

std::vector<Option> HashingOptions() {
  const std::string group = "Password hashing (Argon2id)";
  // The upper bounds are those within which stored hashes are accepted: what is written must be
  // readable.
  return {
      WithInteger({.group = group,
                   .name = "argon2-memory-kib",
                   .value_name = "KIB",
                   .help = "Memory of one hash. Raised costs reach stored passwords at sign-in."},
                  &Config::argon2_memory_kib, 8, account::PhcString::kMaxMemoryKib),
      WithInteger({.group = group, .name = "argon2-iterations", .help = "Passes over the memory."},
                  &Config::argon2_iterations, 1, account::PhcString::kMaxIterations),
      WithInteger({.group = group, .name = "argon2-parallelism", .help = "Lanes of one hash."},
                  &Config::argon2_parallelism, 1, account::PhcString::kMaxParallelism),
      WithSwitch(
          {.group = group,
           .name = "allow-weak-hashing",
           .help = "Accept costs below 19456 KiB with 2 iterations or 47104 KiB with 1. Only "
                   "for tests."},
          &Config::allow_weak_hashing),
      WithInteger({.group = group,
                   .name = "hash-workers",
                   .help = "Hashes computed at once; each worker keeps its memory. Together they "
                           "may take half of the memory there is.",
                   .default_text = "the CPU quota"},
                  &Config::hash_workers, 1, 1024),
      WithInteger({.group = group,
                   .name = "hash-queue",
                   .help = "Calls that may wait for a hash worker; fewer if their deadlines are "
                           "near. One more is refused."},
                  &Config::hash_queue, 0, 100'000),
  };
}

std::vector<Option> OperationOptions() {
  const std::string group = "Operation";
  return {
      WithWord({.group = group, .name = "log-level", .help = "The least that is logged."},
               &Config::log_level,
               Words<ops::LogLevel>{{"debug", ops::LogLevel::kDebug},
                                    {"info", ops::LogLevel::kInfo},
                                    {"warning", ops::LogLevel::kWarning},
                                    {"error", ops::LogLevel::kError}}),
      WithWord(
          {.group = group,
           .name = "log-format",
           .help = "Lines for people or for machines, on stderr.",
           .default_text = "text on a terminal, else json"},
          &Config::log_format,
          Words<ops::LogFormat>{{"json", ops::LogFormat::kJson}, {"text", ops::LogFormat::kText}}),
      WithText({.group = group,
                .name = "otlp-endpoint",
                .value_name = "URL",
                .help = "An OpenTelemetry collector (gRPC), such as http://127.0.0.1:4317, that "
                        "receives a span of each call whose caller samples it."},
               &Config::otlp_endpoint),
      WithDuration({.group = group,
                    .name = "drain-delay",
                    .help = "After SIGTERM, so long new calls are still served while load "
                            "balancers notice that the server is not ready any more.",
                    .default_text = "0s if --listen is loopback, else 5s"},
                   &Config::drain_delay, Duration::zero()),
      WithDuration({.group = group,
                    .name = "drain-timeout",
                    .help = "How long admitted calls may take to finish after that."},
                   &Config::drain_timeout, Duration::zero()),
  };
}

}  // namespace

std::vector<Option> AllOptions() {
  std::vector<Option> all;
  for (auto* const part : {&ListenerOptions, &DatabaseOptions, &PoolOptionList, &AccountOptions,
                           &HashingOptions, &OperationOptions}) {
    std::vector<Option> options = part();
    all.insert(all.end(), std::make_move_iterator(options.begin()),
               std::make_move_iterator(options.end()));
  }
  return all;
}

}  // namespace auth::server
