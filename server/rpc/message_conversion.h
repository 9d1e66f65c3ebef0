#pragma once

#include "auth/v1/auth_service.pb.h"
#include "auth/v1/session.pb.h"
#include "auth/v1/user.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "pool/clock.h"
#include "server/account/user.h"

namespace auth::rpc {

google::protobuf::Timestamp ToProto(WallTime time);
google::protobuf::Duration ToProto(Duration duration);
v1::User ToProto(const account::User& user);
// Without the token, which only SignedIn has.
v1::Session ToProto(const account::Session& session);

// For the answers that have a user and a session (Register, SignIn, ValidateSession).
template <typename Response>
void Write(const account::SignedIn& signed_in, Response* response) {
  *response->mutable_user() = ToProto(signed_in.user);
  *response->mutable_session() = ToProto(signed_in.session);
  response->mutable_session()->set_session_token(signed_in.session_token);
}
template <typename Response>
void Write(const account::ActiveSession& active, Response* response) {
  *response->mutable_user() = ToProto(active.user);
  *response->mutable_session() = ToProto(active.session);
}

inline void Write(const account::User& user, v1::GetUserResponse* response) {
  *response->mutable_user() = ToProto(user);
}

}  // namespace auth::rpc
