#include "server/ops/dashboard_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <regex>
#include <string>

#include "absl/strings/escaping.h"

namespace auth::ops {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Header(const HttpResponse& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  ADD_FAILURE() << "no header " << name;
  return "";
}

// What is between the one <tag> of the page and its </tag>.
std::string Content(const std::string& page, const std::string& tag) {
  const std::string open = "<" + tag;
  const std::size_t begin = page.find('>', page.find(open));
  const std::size_t end = page.find("</" + tag, begin);
  if (begin == std::string::npos || end == std::string::npos) {
    ADD_FAILURE() << "no " << open;
    return "";
  }
  EXPECT_EQ(page.find(open, end), std::string::npos) << "a second " << open;
  return page.substr(begin + 1, end - begin - 1);
}

std::string Sha256(const std::string& text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return absl::Base64Escape(digest);
}

TEST(DashboardPageTest, IsOneSmallDocument) {
  const HttpResponse page = DashboardPage();
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(page.body.rfind("<!doctype html>", 0), 0U);
  EXPECT_LE(page.body.size(), 60U * 1024);
  EXPECT_THAT(page.body, Not(HasSubstr("@dashboard")));
  EXPECT_THAT(Content(page.body, "style"), HasSubstr("prefers-color-scheme"));
  EXPECT_THAT(Content(page.body, "script"), HasSubstr("/snapshot"));
  EXPECT_EQ(DashboardPage().body, page.body);
}

TEST(DashboardPageTest, ThePolicyAllowsWhatIsBuiltInAndNothingElse) {
  const HttpResponse page = DashboardPage();
  EXPECT_EQ(Header(page, "Content-Security-Policy"),
            "default-src 'none'; script-src 'sha256-" + Sha256(Content(page.body, "script")) +
                "'; style-src 'sha256-" + Sha256(Content(page.body, "style")) +
                "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'none'");
  EXPECT_EQ(Header(page, "Referrer-Policy"), "no-referrer");
}

// A browser normalises line ends before it hashes, and the policy forbids the rest.
TEST(DashboardPageTest, HasNothingThatThePolicyForbids) {
  const std::string page = DashboardPage().body;
  EXPECT_EQ(page.find('\r'), std::string::npos);
  EXPECT_EQ(page.find('\0'), std::string::npos);
  EXPECT_FALSE(std::regex_search(page, std::regex("<[^>]*\\s(style|on[a-z]+)=")));
  EXPECT_FALSE(std::regex_search(page, std::regex("(src|href)=\"(https?:)?//")));
  for (const char* word : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval",
                           "@import", "setAttribute('style"}) {
    EXPECT_THAT(page, Not(HasSubstr(word)));
  }
}

}  // namespace
}  // namespace auth::ops
