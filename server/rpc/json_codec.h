#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "google/rpc/status.pb.h"

namespace auth::rpc {

// Reads proto3 JSON: unknown fields are ignored, so that newer clients are understood. False if it
// is no JSON object of this message; the text is not quoted anywhere, since it may hold a password.
bool ReadJson(std::string_view text, google::protobuf::Message* message);

// Writes proto3 JSON with the fields in their order. Unset fields are left out, but those that are
// marked with `null_when_unset` are null.
std::string WriteJson(const google::protobuf::Message& message);

// The error body of the Connect protocol: {"code", "message", "details"}.
std::string WriteJsonError(const google::rpc::Status& status);

// The HTTP status that the Connect protocol gives to a gRPC code.
int HttpStatusOf(int grpc_code);

}  // namespace auth::rpc
