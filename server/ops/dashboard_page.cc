#include "server/ops/dashboard_page.h"

#include <openssl/sha.h>

#include <array>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "server/ops/dashboard_parts.h"

namespace auth::ops {
namespace {

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

// A source of a Content-Security-Policy that allows exactly this inline text.
std::string HashSource(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return absl::StrCat("'sha256-",
                      absl::Base64Escape(absl::string_view(
                          reinterpret_cast<const char*>(digest.data()), digest.size())),
                      "'");
}

HttpResponse Assemble(const DashboardParts& parts) {
  // data: is the page's icon in the browser's tab, which shows the state.
  const std::string policy =
      absl::StrCat("default-src 'none'; script-src ", HashSource(parts.js), "; style-src ",
                   HashSource(parts.css), "; connect-src 'self'; img-src data:; base-uri 'none'; ",
                   "form-action 'none'; frame-ancestors 'none'");
  return {
      .body = absl::StrReplaceAll(Absl(parts.html), {{"@dashboard.css@", Absl(parts.css)},
                                                     {"@dashboard.js@", Absl(parts.js)}}),
      .content_type = "text/html; charset=utf-8",
      .headers = {{"Content-Security-Policy", policy}, {"Referrer-Policy", "no-referrer"}},
  };
}

}  // namespace

HttpResponse DashboardPage() {
  static const auto* const page = new HttpResponse(Assemble(EmbeddedDashboardParts()));
  return *page;
}

}  // namespace auth::ops
