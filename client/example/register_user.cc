// Registers a user, or signs him in if he is registered, and prints whose session he got.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "client/auth_client.h"
#include "client/errors.h"

using auth::client::AuthClient;
using auth::client::UserSession;

namespace {

absl::StatusOr<UserSession> RegisterOrSignIn(AuthClient& client, const std::string& email,
                                             const std::string& password) {
  absl::StatusOr<UserSession> registered = client.Register(email, password);
  if (auth::client::ReasonOf(registered.status()) ==
      auth::v1::ERROR_REASON_EMAIL_ALREADY_REGISTERED) {
    return client.SignIn(email, password);
  }
  return registered;
}

}  // namespace

int main(int argc, char** argv) {
  const char* password = std::getenv("PASSWORD");
  if (argc != 3 || password == nullptr) {
    std::cerr << "Usage: PASSWORD=… register_user HOST:PORT EMAIL\n";
    return 2;
  }
  absl::StatusOr<std::unique_ptr<AuthClient>> client =
      auth::client::MakeAuthClient({.channel = {.target = argv[1]}});
  if (!client.ok()) {
    std::cerr << client.status().message() << "\n";
    return 2;
  }
  const absl::StatusOr<UserSession> signed_in = RegisterOrSignIn(**client, argv[2], password);
  if (!signed_in.ok()) {
    std::cerr << signed_in.status().message() << "\n";
    for (const auto& violation : auth::client::FieldViolationsOf(signed_in.status())) {
      std::cerr << violation.field << ": " << violation.description << "\n";
    }
    return 1;
  }
  std::cout << signed_in->user.email() << " has the id " << signed_in->user.id() << "\n";
}
