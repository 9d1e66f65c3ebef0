// Connection strings of the database: read as libpq reads them, and never a password shown.

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "pool/conninfo.h"
#include "pool/sql_error.h"
#include "tests/fuzz/fuzz_target.h"

namespace auth::testing {
namespace {

using pool::Conninfo;

constexpr char kCanary[] = "TopSecret";

// The parameters in libpq's other notation.
std::string AsKeywords(const Conninfo& conninfo) {
  std::string text;
  for (const auto& [keyword, value] : conninfo.parameters()) {
    absl::StrAppend(&text, keyword, "='",
                    absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"'", "\\'"}}), "' ");
  }
  return text;
}

void CheckParsed(const std::string& text) {
  const absl::StatusOr<Conninfo> conninfo = Conninfo::Parse(text);
  if (!conninfo.ok()) {
    const auto error = pool::GetSqlError(conninfo.status());
    Expect(error.has_value() && error->fault == pool::SqlFault::kConfiguration,
           "a malformed string is a fault of the configuration");
    return;
  }
  const absl::StatusOr<Conninfo> again = Conninfo::Parse(AsKeywords(*conninfo));
  Expect(again.ok() && again->parameters() == conninfo->parameters(),
         "parameters are read as they were written");
  const std::vector<Conninfo> hosts = conninfo->SplitHosts();
  Expect(!hosts.empty(), "there is a host to try");
  for (const Conninfo& host : hosts) {
    Expect(!host.Address().empty(), "a host has a name");
    Expect(host.SplitHosts().size() == 1, "one host is one host");
    Expect(host.Get("password") == conninfo->Get("password"), "every host gets the password");
  }
  (void)conninfo->HasPoolerHost();
}

void CheckNothingLeaks(const std::string& text) {
  Expect(!absl::StrContains(pool::RedactUrl(text), kCanary), "a redacted string has no password");
  const absl::StatusOr<Conninfo> conninfo = Conninfo::Parse(text);
  if (conninfo.ok()) {
    Expect(!absl::StrContains(conninfo->Address(), kCanary), "an address has no password");
  } else {
    Expect(!absl::StrContains(conninfo.status().message(), kCanary),
           "a complaint has no part of a password");
  }
}

}  // namespace

void FuzzOne(std::string_view input) {
  const std::string text(input.substr(0, input.find('\0')));
  CheckParsed(text);
  Expect(pool::RedactUrl(pool::RedactUrl(text)) == pool::RedactUrl(text),
         "nothing is left to redact");

  if (absl::StrContains(text, kCanary)) return;
  // A password as people paste it, unescaped, at either end of the canary.
  const std::string end = "@db.example:5432/users?sslmode=require";
  CheckNothingLeaks(absl::StrCat("postgresql://auth:", kCanary, text, end));
  CheckNothingLeaks(absl::StrCat("postgresql://auth:", text, kCanary, end));
  CheckNothingLeaks(absl::StrCat("host=db.example password='",
                                 absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}), kCanary,
                                 "' dbname=users"));
}

}  // namespace auth::testing
