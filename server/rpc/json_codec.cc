#include "server/rpc/json_codec.h"

#include <google/protobuf/util/json_util.h>

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "auth/v1/options.pb.h"
#include "google/rpc/error_details.pb.h"
#include "server/ops/status_names.h"

namespace auth::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
// Keeps the order in which keys are written.
using Json = nlohmann::ordered_json;

// By gRPC code: https://connectrpc.com/docs/protocol#error-codes
constexpr std::array<int, 17> kHttpStatus = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                                             400, 409, 400, 501, 500, 503, 500, 401};

bool IsOurs(const Descriptor& type) {
  return type.file()->package() != "google.protobuf";  // those have a JSON form of their own
}

// `json` as the library wrote it for a message of this type, with null where it belongs. Fields are
// visited in the order of the proto file.
Json WithNulls(const Json& json, const Descriptor& type) {
  if (!json.is_object() || !IsOurs(type)) return json;
  Json out = Json::object();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const auto found = json.find(field.json_name());
    if (found == json.end()) {
      if (field.options().GetExtension(v1::null_when_unset)) out[field.json_name()] = nullptr;
    } else if (field.message_type() == nullptr) {
      out[field.json_name()] = *found;
    } else if (field.is_repeated()) {
      Json& list = out[field.json_name()] = Json::array();
      for (const Json& element : *found) list.push_back(WithNulls(element, *field.message_type()));
    } else {
      out[field.json_name()] = WithNulls(*found, *field.message_type());
    }
  }
  return out;
}

std::string LibraryJson(const Message& message) {
  std::string text;
  (void)google::protobuf::util::MessageToJsonString(message, &text);
  return text;
}

// "invalid_argument"; Connect spells one of them in the American way.
std::string ConnectCode(int grpc_code) {
  const std::string_view name = ops::CodeName(static_cast<absl::StatusCode>(grpc_code));
  if (name == "CANCELLED") return "canceled";
  return absl::AsciiStrToLower({name.data(), name.size()});
}

template <typename Detail>
bool AddDetail(const google::protobuf::Any& any, Json* details) {
  Detail detail;
  if (!any.UnpackTo(&detail)) return false;
  std::string value = absl::Base64Escape(any.value());
  while (!value.empty() && value.back() == '=') value.pop_back();  // Connect has it unpadded
  details->push_back({{"type", Detail::descriptor()->full_name()},
                      {"value", std::move(value)},
                      {"debug", Json::parse(LibraryJson(detail))}});
  return true;
}

}  // namespace

bool ReadJson(std::string_view text, Message* message) {
  // The library takes other things than objects for an empty message.
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') return false;
  // It also takes bytes that are no UTF-8.
  if (!nlohmann::json::accept(text)) return false;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return google::protobuf::util::JsonStringToMessage({text.data(), text.size()}, message, options)
      .ok();
}

std::string WriteJson(const Message& message) {
  const Json json = Json::parse(LibraryJson(message), nullptr, /*allow_exceptions=*/false);
  return WithNulls(json, *message.GetDescriptor())
             .dump(-1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

std::string WriteJsonError(const google::rpc::Status& status) {
  Json details = Json::array();
  for (const google::protobuf::Any& any : status.details()) {
    (void)(AddDetail<google::rpc::ErrorInfo>(any, &details) ||
           AddDetail<google::rpc::BadRequest>(any, &details) ||
           AddDetail<google::rpc::RetryInfo>(any, &details));
  }
  Json body = {{"code", ConnectCode(status.code())}, {"message", status.message()}};
  if (!details.empty()) body["details"] = std::move(details);
  return body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

int HttpStatusOf(int grpc_code) {
  const auto index = static_cast<std::size_t>(grpc_code);
  return index < kHttpStatus.size() ? kHttpStatus[index] : 500;
}

}  // namespace auth::rpc
