#include "server/rpc/json_gateway.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/account/errors.h"
#include "server/account/secret.h"
#include "server/ops/http_server.h"
#include "server/ops/trace_context.h"
#include "server/rpc/access_policy.h"
#include "server/rpc/call_metadata.h"
#include "server/rpc/json_codec.h"
#include "server/rpc/json_request.h"
#include "server/rpc/status_mapping.h"

namespace auth::rpc {
namespace {

using google::protobuf::Message;
using ops::HttpRequest;
using ops::HttpResponse;
using ops::HttpServer;

constexpr char kProtoType[] = "application/proto";
// As for gRPC (grpc_server.cc); escapes make JSON longer.
constexpr std::size_t kMaxBodyBytes = 32 * 1024;
constexpr char kPreflightSeconds[] = "7200";
// Balancers and proxies keep a connection for up to a minute.
constexpr std::chrono::seconds kKeepAlive(75);

// An error that has no call: in the shape of those that have.
HttpResponse PlainError(int http_status, absl::StatusCode code, std::string_view message) {
  google::rpc::Status status;
  status.set_code(static_cast<int>(code));
  status.set_message(std::string(message));
  return {.status = http_status, .body = WriteJsonError(status)};
}

// The request of a call that brings its session token as a bearer token.
void SetSessionToken(const HttpRequest& http, Message* request) {
  const auto* field = request->GetDescriptor()->FindFieldByName("session_token");
  request->GetReflection()->SetString(request, field,
                                      std::string(BearerToken(http.Header(kAuthorizationKey))));
}

// One call: kept alive by itself until it is answered and its handle is there.
class JsonCall final : public Responder {
 public:
  static void Start(const CallTable::Method& method, const JsonTarget& target, BodyFormat format,
                    HttpRequest* http, const Clock& clock, CallDriver* driver,
                    HttpServer::Answer answer);

  absl::Status WriteResult() override { return write_result_(); }
  void Finish(const absl::Status& status) override {
    answer_(status.ok() ? Result() : Error(status));
    Release();
  }

 private:
  JsonCall(const CallTable::Method& method, BodyFormat format, HttpServer::Answer answer)
      : format_(format),
        request_(method.request->New()),
        response_(method.response->New()),
        answer_(std::move(answer)) {}

  absl::Status Read(const JsonTarget& target, HttpRequest* http);
  HttpResponse Result() const;
  HttpResponse Error(const absl::Status& status) const;
  // By the answer, and by Start once it has the handle: the second of them ends the call's life.
  void Release() {
    if (--holders_ == 0) delete this;
  }

  const BodyFormat format_;
  const std::unique_ptr<Message> request_;
  const std::unique_ptr<Message> response_;
  const HttpServer::Answer answer_;
  std::string request_id_;
  std::function<absl::Status()> write_result_;
  CallDriver::Handle handle_;
  std::atomic<int> holders_{2};
};

absl::Status JsonCall::Read(const JsonTarget& target, HttpRequest* http) {
  if (target.bearer_session) {
    SetSessionToken(*http, request_.get());
    return absl::OkStatus();
  }
  const bool is_json = format_ == BodyFormat::kJson;
  const bool read =
      is_json ? ReadJson(http->body, request_.get()) : request_->ParseFromString(http->body);
  if (read) return absl::OkStatus();
  return account::Malformed(absl::StrCat(
      "The body must be ", is_json ? "a JSON object with the fields of " : "the binary form of ",
      request_->GetDescriptor()->full_name(), "."));
}

void JsonCall::Start(const CallTable::Method& method, const JsonTarget& target, BodyFormat format,
                     HttpRequest* http, const Clock& clock, CallDriver* driver,
                     HttpServer::Answer answer) {
  auto* const call = new JsonCall(method, format, std::move(answer));
  absl::Status malformed = call->Read(target, http);
  PreparedCall prepared = method.prepare(call->request_.get(), call->response_.get());
  CallInfo& info = prepared.info;
  info.malformed = std::move(malformed);
  info.malformed.Update(ReadTimeout(*http, clock.Now(), &info.client_deadline));
  info.peer = http->peer;
  info.authorization = http->Header(kAuthorizationKey);
  info.request_id = RequestIdOr(http->Header(kRequestIdKey), clock);
  info.trace = ops::ParseTraceParent(http->Header(kTraceParentKey));
  call->request_id_ = info.request_id;
  call->write_result_ = std::move(prepared.write_result);
  call->handle_ = driver->Start(std::move(info), std::move(prepared.operation), call);
  call->Release();
}

HttpResponse JsonCall::Result() const {
  if (format_ == BodyFormat::kJson) return {.body = WriteJson(*response_)};
  return {.body = response_->SerializeAsString(), .content_type = kProtoType};
}

HttpResponse JsonCall::Error(const absl::Status& status) const {
  const google::rpc::Status rich = ToRichStatus(status, request_id_);
  HttpResponse response{.status = HttpStatusOf(rich.code()), .body = WriteJsonError(rich)};
  if (status.code() == absl::StatusCode::kUnauthenticated) {
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
  }
  if (const auto retry_after = account::GetErrorDetails(status).retry_after) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*retry_after);
    response.headers.emplace_back("Retry-After", absl::StrCat(seconds.count()));
  }
  return response;
}

}  // namespace

struct JsonGateway::State {
  using Headers = std::vector<std::pair<std::string, std::string>>;

  void Handle(HttpRequest request, HttpServer::Answer answer);
  void Dispatch(HttpRequest* request, HttpServer::Answer answer);
  HttpResponse NotFound() const;
  // What the HTTP server refuses by itself.
  HttpResponse ServerRefusal(const HttpRequest& request, int status,
                             std::string_view message) const;
  // The answer to a browser that asks beforehand whether it may call.
  HttpResponse Preflight() const;
  // Those of every answer, whatever it is: `X-Request-Id`, and what lets a page of the request's
  // origin read the answer, if it may.
  Headers CommonHeaders(std::string_view origin, const std::string& request_id) const;

  Options options;
  const CallTable* methods = nullptr;
  CallDriver* calls = nullptr;
  const Clock* clock = nullptr;
  std::unique_ptr<HttpServer> server;  // last: its handler uses the rest
};

void JsonGateway::State::Handle(HttpRequest request, HttpServer::Answer answer) {
  // In every answer, and so in the log: whoever reports a failure has what to ask by.
  const std::string request_id = RequestIdOr(request.Header(kRequestIdKey), *clock);
  request.headers[kRequestIdKey] = request_id;
  Headers headers = CommonHeaders(request.Header("Origin"), request_id);
  Dispatch(&request,
           [answer = std::move(answer), headers = std::move(headers)](HttpResponse response) {
             response.headers.insert(response.headers.end(), headers.begin(), headers.end());
             answer(std::move(response));
           });
  account::WipeMemory(request.body.data(), request.body.size());  // it may hold a password
}

void JsonGateway::State::Dispatch(HttpRequest* request, HttpServer::Answer answer) {
  if (request->method == "OPTIONS") return answer(Preflight());
  const JsonTarget target = TargetOf(request->path);
  const CallTable::Method* const method = methods->Find(target.method);
  if (method == nullptr) return answer(NotFound());
  if (request->method != target.verb) {
    HttpResponse refusal =
        PlainError(405, absl::StatusCode::kUnimplemented,
                   absl::StrCat("Use ", absl::string_view(target.verb.data(), target.verb.size()),
                                " for this path."));
    refusal.headers = {{"Allow", std::string(target.verb)}};
    return answer(refusal);
  }
  const std::optional<BodyFormat> format =
      target.bearer_session ? BodyFormat::kJson : FormatOf(request->Header("Content-Type"));
  if (!format) {
    HttpResponse refusal = PlainError(415, absl::StatusCode::kInvalidArgument,
                                      "Send JSON, with the header Content-Type: application/json.");
    refusal.headers = {{"Accept-Post", absl::StrCat("application/json, ", kProtoType)}};
    return answer(refusal);
  }
  const std::string_view encoding = request->Header("Content-Encoding");
  if (!encoding.empty() && encoding != "identity") {
    return answer(PlainError(501, absl::StatusCode::kUnimplemented,
                             "Send the body without a Content-Encoding."));
  }
  const std::string_view version = request->Header("Connect-Protocol-Version");
  if (!version.empty() && version != "1") {
    return answer(PlainError(400, absl::StatusCode::kInvalidArgument,
                             "The only Connect-Protocol-Version that is spoken here is 1."));
  }
  JsonCall::Start(*method, target, *format, request, *clock, calls, std::move(answer));
}

HttpResponse JsonGateway::State::NotFound() const {
  std::vector<std::string> paths = AliasNames();
  for (const std::string& name : methods->names()) paths.push_back(absl::StrCat("POST /", name));
  return PlainError(404, absl::StatusCode::kUnimplemented,
                    absl::StrCat("No such path. There are: ", absl::StrJoin(paths, ", "), "."));
}

HttpResponse JsonGateway::State::Preflight() const {
  if (options.cors_origins.empty()) {
    HttpResponse refusal = PlainError(405, absl::StatusCode::kUnimplemented, "Use POST or GET.");
    refusal.headers = {{"Allow", "GET, POST"}};
    return refusal;
  }
  return {.status = 204,
          .headers = {{"Access-Control-Allow-Methods", "GET, POST"},
                      {"Access-Control-Allow-Headers",
                       "Authorization, Content-Type, Connect-Protocol-Version, Connect-Timeout-Ms, "
                       "Traceparent, X-Request-Id"},
                      {"Access-Control-Max-Age", kPreflightSeconds}}};
}

JsonGateway::State::Headers JsonGateway::State::CommonHeaders(std::string_view origin,
                                                              const std::string& request_id) const {
  Headers headers = {{"X-Request-Id", request_id}};
  const auto allows = [&](const std::string& each) { return each == "*" || each == origin; };
  if (!origin.empty() &&
      std::any_of(options.cors_origins.begin(), options.cors_origins.end(), allows)) {
    headers.insert(headers.end(), {{"Access-Control-Allow-Origin", std::string(origin)},
                                   {"Access-Control-Expose-Headers", "Retry-After, X-Request-Id"},
                                   {"Vary", "Origin"}});
  }
  return headers;
}

HttpResponse JsonGateway::State::ServerRefusal(const HttpRequest& request, int status,
                                               std::string_view message) const {
  HttpResponse refusal = PlainError(
      status,
      status == 413 ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnimplemented,
      message);
  refusal.headers =
      CommonHeaders(request.Header("Origin"), RequestIdOr(request.Header(kRequestIdKey), *clock));
  return refusal;
}

JsonGateway::JsonGateway(std::unique_ptr<State> state) : state_(std::move(state)) {}

JsonGateway::~JsonGateway() = default;

std::uint16_t JsonGateway::port() const { return state_->server->port(); }

absl::StatusOr<std::unique_ptr<JsonGateway>> JsonGateway::Start(const Options& options,
                                                                const CallTable* methods,
                                                                CallDriver* calls,
                                                                const Clock* clock) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->methods = methods;
  state->calls = calls;
  state->clock = clock;
  auto server = HttpServer::Start(
      {.host = options.host,
       .port = options.port,
       .methods = {"GET", "POST", "OPTIONS"},
       .max_body_bytes = kMaxBodyBytes,
       .refusal =
           [raw = state.get()](const HttpRequest& request, int status, std::string_view message) {
             return raw->ServerRefusal(request, status, message);
           },
       .keep_alive_timeout = kKeepAlive},
      [raw = state.get()](HttpRequest request, HttpServer::Answer answer) {
        raw->Handle(std::move(request), std::move(answer));
      },
      clock);
  if (!server.ok()) return server.status();
  state->server = *std::move(server);
  return std::unique_ptr<JsonGateway>(new JsonGateway(std::move(state)));
}

}  // namespace auth::rpc
