// Prints the page of /dashboard as HTTP sends it, for tests of the page that script its data.
#include <iostream>

#include "server/ops/dashboard_page.h"

int main() {
  const auth::ops::HttpResponse page = auth::ops::DashboardPage();
  std::cout << "Content-Type: " << page.content_type << "\n";
  for (const auto& [name, value] : page.headers) std::cout << name << ": " << value << "\n";
  std::cout << "\n" << page.body;
  return std::cout.flush() ? 0 : 1;
}
