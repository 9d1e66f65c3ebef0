#include "server/rpc/message_conversion.h"

#include <chrono>

namespace auth::rpc {
namespace {

using std::chrono::duration_cast;
using std::chrono::floor;
using std::chrono::nanoseconds;
using std::chrono::seconds;

}  // namespace

google::protobuf::Timestamp ToProto(WallTime time) {
  // Floor, because nanos count forward even before 1970.
  const auto whole = floor<seconds>(time);
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(whole.time_since_epoch().count());
  timestamp.set_nanos(static_cast<int32_t>(duration_cast<nanoseconds>(time - whole).count()));
  return timestamp;
}

google::protobuf::Duration ToProto(Duration duration) {
  const auto whole = duration_cast<seconds>(duration);
  google::protobuf::Duration proto;
  proto.set_seconds(whole.count());
  proto.set_nanos(static_cast<int32_t>((duration - whole).count()));
  return proto;
}

v1::User ToProto(const account::User& user) {
  v1::User proto;
  proto.set_id(user.id.ToString());
  proto.set_email(user.email);
  if (user.email_verified.has_value()) {
    *proto.mutable_email_verified() = ToProto(*user.email_verified);
  }
  *proto.mutable_created_at() = ToProto(user.created_at);
  *proto.mutable_updated_at() = ToProto(user.updated_at);
  return proto;
}

v1::Session ToProto(const account::Session& session) {
  v1::Session proto;
  proto.set_id(session.id.ToString());
  proto.set_user_id(session.user_id.ToString());
  *proto.mutable_expires() = ToProto(session.expires);
  return proto;
}

}  // namespace auth::rpc
