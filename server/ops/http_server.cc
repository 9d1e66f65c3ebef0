#include "server/ops/http_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pool/mutex.h"
#include "server/ops/connection_deadlines.h"
#include "server/ops/listen_socket.h"

namespace auth::ops {
namespace {

// For request line and headers. A probe sends some 200 bytes, a browser 2 KiB.
constexpr std::size_t kConnectionMemory = 8 * 1024;
// What is read, and thrown away, of a body that is too large, so that its sender reads the refusal.
constexpr std::size_t kMaxIgnoredBytes = 1 << 20;
// How long the last answers may take to be sent when the server stops.
constexpr std::chrono::milliseconds kDeliveryTime(500);

HttpResponse PlainRefusal(int status, std::string_view message) {
  return {.status = status,
          .body = absl::StrCat("{\"error\":\"", absl::string_view(message.data(), message.size()),
                               "\"}\n")};
}

MHD_Result Queue(MHD_Connection* connection, const HttpResponse& from) {
  MHD_Response* const response = MHD_create_response_from_buffer(
      from.body.size(), const_cast<char*>(from.body.data()), MHD_RESPMEM_MUST_COPY);
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, from.content_type.c_str());
  MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : from.headers) {
    MHD_add_response_header(response, name.c_str(), value.c_str());
  }
  const MHD_Result queued =
      MHD_queue_response(connection, static_cast<unsigned>(from.status), response);
  MHD_destroy_response(response);
  return queued;
}

std::string PeerOf(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (info == nullptr) return "";
  char text[INET6_ADDRSTRLEN] = "";
  if (info->client_addr->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(info->client_addr);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    return absl::StrCat("ipv4:", text, ":", ntohs(v4->sin_port));
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(info->client_addr);
  inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
  return absl::StrCat("ipv6:[", text, "]:", ntohs(v6->sin6_port));
}

int FdOf(MHD_Connection* connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

// The soft limit of this process, which the gRPC server has raised to the hard one.
int ConnectionLimit(int wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  return static_cast<int>(std::min<rlim_t>(static_cast<rlim_t>(wanted), limit.rlim_cur / 4));
}

// One request and its answer. Shared by the connection and the handler's Answer, which may come
// when the connection is gone.
class Exchange {
 public:
  HttpRequest request;
  std::size_t ignored_bytes = 0;  // of a body that is too large
  bool handled = false;           // the handler has had the request

  // What the handler never had may hold a password.
  ~Exchange() { explicit_bzero(request.body.data(), request.body.size()); }

  // After the handler has returned: its answer if it is there, else the connection is suspended.
  std::optional<HttpResponse> TakeOrSuspend(MHD_Connection* connection) {
    MutexLock lock(&mutex_);
    if (answer_.has_value()) return std::exchange(answer_, std::nullopt);
    MHD_suspend_connection(connection);
    suspended_ = connection;
    return std::nullopt;
  }
  // When libmicrohttpd comes back to a connection that was resumed.
  std::optional<HttpResponse> Take() {
    MutexLock lock(&mutex_);
    return std::exchange(answer_, std::nullopt);
  }
  void Answer(HttpResponse response) {
    MutexLock lock(&mutex_);
    answer_ = std::move(response);
    if (suspended_ != nullptr) MHD_resume_connection(std::exchange(suspended_, nullptr));
  }

 private:
  Mutex mutex_;
  std::optional<HttpResponse> answer_ ABSL_GUARDED_BY(mutex_);
  MHD_Connection* suspended_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

using SharedExchange = std::shared_ptr<Exchange>;

MHD_Result AddHeader(void* request, MHD_ValueKind /*kind*/, const char* name, const char* value) {
  static_cast<HttpRequest*>(request)->headers.emplace(name, value == nullptr ? "" : value);
  return MHD_YES;
}

}  // namespace

struct HttpServer::State {
  State(const Options& the_options, Handler the_handler, const Clock* the_clock)
      : options(the_options), handler(std::move(the_handler)), clock(the_clock), deadlines(clock) {}
  ~State();

  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* url,
                              const char* method, const char* version, const char* body,
                              std::size_t* body_size, void** request);
  static void OnCompleted(void* self, MHD_Connection* connection, void** request,
                          MHD_RequestTerminationCode code);
  static void OnConnection(void* self, MHD_Connection* connection, void** context,
                           MHD_ConnectionNotificationCode code);

  // The headers are there.
  MHD_Result Begin(MHD_Connection* connection, const char* url, const char* method, void** request);
  // A piece of the body is there.
  MHD_Result TakeBody(Exchange* exchange, const char* body, std::size_t* body_size) const;
  // All of it is there.
  MHD_Result Handle(MHD_Connection* connection, const SharedExchange& exchange);
  MHD_Result Respond(MHD_Connection* connection, const HttpResponse& response);
  // The client's turn: it may be silent for `silence`, and must be done within `limit`.
  void ExpectWithin(MHD_Connection* connection, std::chrono::seconds silence, Duration limit);
  HttpResponse Refusal(const HttpRequest& request, int status, const std::string& message) const {
    return options.refusal ? options.refusal(request, status, message)
                           : PlainRefusal(status, message);
  }
  HttpResponse TooLarge(const HttpRequest& request) const {
    return Refusal(request, MHD_HTTP_CONTENT_TOO_LARGE,
                   absl::StrCat("a request may have ", options.max_body_bytes, " bytes at most"));
  }

  const Options options;
  const Handler handler;
  const Clock* const clock;
  ConnectionDeadlines deadlines;
  std::uint16_t port = 0;
  MHD_Daemon* daemon = nullptr;

  Mutex mutex;
  CondVar settled;
  int unanswered ABSL_GUARDED_BY(mutex) = 0;     // requests that the handler has
  int undelivered ABSL_GUARDED_BY(mutex) = 0;    // and those whose answer is not sent yet
  bool stopping ABSL_GUARDED_BY(mutex) = false;  // no connection may be suspended any more
};

HttpServer::State::~State() {
  if (daemon == nullptr) return;
  const int listener = MHD_quiesce_daemon(daemon);
  if (listener >= 0) close(listener);
  {
    // libmicrohttpd demands that no connection is suspended when it stops.
    MutexLock lock(&mutex);
    while (unanswered > 0) settled.Wait(&mutex);
    const MonotonicTime end = clock->Monotonic() + kDeliveryTime;
    while (undelivered > 0 && clock->Monotonic() < end) clock->WaitUntil(end, &settled, &mutex);
    stopping = true;
  }
  MHD_stop_daemon(daemon);
}

// libmicrohttpd calls this when the headers are there, for each piece of a body, at the end, and
// once more after a connection was resumed.
MHD_Result HttpServer::State::OnRequest(void* self, MHD_Connection* connection, const char* url,
                                        const char* method, const char* /*version*/,
                                        const char* body, std::size_t* body_size, void** request) {
  auto* const state = static_cast<State*>(self);
  if (*request == nullptr) return state->Begin(connection, url, method, request);
  const SharedExchange& exchange = *static_cast<SharedExchange*>(*request);
  if (*body_size > 0) return state->TakeBody(exchange.get(), body, body_size);
  if (exchange->ignored_bytes > 0) {
    return state->Respond(connection, state->TooLarge(exchange->request));
  }
  if (const auto response = exchange->Take()) return state->Respond(connection, *response);
  return state->Handle(connection, exchange);
}

MHD_Result HttpServer::State::Begin(MHD_Connection* connection, const char* url, const char* method,
                                    void** request) {
  ExpectWithin(connection, options.idle_timeout, options.exchange_timeout);
  auto exchange = std::make_unique<SharedExchange>(std::make_shared<Exchange>());
  HttpRequest& received = (*exchange)->request;
  received.method = method;
  received.path = url;
  received.peer = PeerOf(connection);
  MHD_get_connection_values(connection, MHD_HEADER_KIND, &AddHeader, &received);
  if (std::find(options.methods.begin(), options.methods.end(), method) == options.methods.end()) {
    HttpResponse refusal = Refusal(received, MHD_HTTP_METHOD_NOT_ALLOWED,
                                   absl::StrCat("use ", absl::StrJoin(options.methods, " or ")));
    refusal.headers.emplace_back(MHD_HTTP_HEADER_ALLOW, absl::StrJoin(options.methods, ", "));
    return Respond(connection, refusal);
  }
  const std::string_view length = received.Header("Content-Length");
  std::uint64_t bytes = 0;
  if (options.max_body_bytes > 0 && absl::SimpleAtoi({length.data(), length.size()}, &bytes) &&
      bytes > options.max_body_bytes) {
    return Respond(connection, TooLarge(received));
  }
  *request = exchange.release();
  return MHD_YES;
}

MHD_Result HttpServer::State::TakeBody(Exchange* exchange, const char* body,
                                       std::size_t* body_size) const {
  if (options.max_body_bytes == 0) return MHD_NO;  // closes
  if (exchange->request.body.size() + *body_size > options.max_body_bytes) {
    exchange->ignored_bytes += *body_size;
    if (exchange->ignored_bytes > kMaxIgnoredBytes) return MHD_NO;
  } else {
    // All at once: each growth would leave a copy of what may hold a password.
    exchange->request.body.reserve(options.max_body_bytes);
    exchange->request.body.append(body, *body_size);
  }
  *body_size = 0;
  return MHD_YES;
}

MHD_Result HttpServer::State::Handle(MHD_Connection* connection, const SharedExchange& exchange) {
  {
    MutexLock lock(&mutex);
    if (stopping) return MHD_NO;  // closes: the handler might answer too late
    ++unanswered;
    ++undelivered;
  }
  deadlines.Pause(connection);
  exchange->handled = true;
  handler(std::move(exchange->request), [this, exchange](HttpResponse response) {
    exchange->Answer(std::move(response));
    MutexLock lock(&mutex);
    if (--unanswered == 0) settled.NotifyAll();
  });
  const std::optional<HttpResponse> response = exchange->TakeOrSuspend(connection);
  return response.has_value() ? Respond(connection, *response) : MHD_YES;
}

MHD_Result HttpServer::State::Respond(MHD_Connection* connection, const HttpResponse& response) {
  ExpectWithin(connection, options.idle_timeout, options.exchange_timeout);
  return Queue(connection, response);
}

void HttpServer::State::ExpectWithin(MHD_Connection* connection, std::chrono::seconds silence,
                                     Duration limit) {
  MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                            static_cast<unsigned>(silence.count()));
  deadlines.Expect(connection, FdOf(connection), limit);
}

void HttpServer::State::OnCompleted(void* self, MHD_Connection* connection, void** request,
                                    MHD_RequestTerminationCode /*code*/) {
  auto* const state = static_cast<State*>(self);
  const std::unique_ptr<SharedExchange> exchange(
      static_cast<SharedExchange*>(std::exchange(*request, nullptr)));
  if (exchange != nullptr && (*exchange)->handled) {
    MutexLock lock(&state->mutex);
    if (--state->undelivered == 0) state->settled.NotifyAll();
  }
  // For the next request of a connection that is kept.
  state->ExpectWithin(connection, state->options.keep_alive_timeout,
                      state->options.keep_alive_timeout);
}

void HttpServer::State::OnConnection(void* self, MHD_Connection* connection, void** /*context*/,
                                     MHD_ConnectionNotificationCode code) {
  auto* const state = static_cast<State*>(self);
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    state->ExpectWithin(connection, state->options.idle_timeout, state->options.exchange_timeout);
  } else {
    state->deadlines.Remove(connection);
  }
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const { return state_->port; }

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const Options& options,
                                                              Handler handler, const Clock* clock) {
  const absl::StatusOr<ListenSocket> socket = ListenOn(options.host, options.port);
  if (!socket.ok()) return socket.status();
  auto state = std::make_unique<State>(options, std::move(handler), clock);
  state->port = socket->port;
  const int connections = ConnectionLimit(options.max_connections);
  // Not all of them, however few they are.
  const int of_one_address =
      std::min(options.max_connections_per_address, connections - connections / 16);
  // poll, not epoll: libmicrohttpd arms epoll by edges, and does not notice a client that said
  // something and left before it was read until a time limit comes.
  state->daemon = MHD_start_daemon(
      MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, /*port=*/0, nullptr, nullptr,
      &State::OnRequest, state.get(), MHD_OPTION_LISTEN_SOCKET, socket->fd,
      MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(connections),
      MHD_OPTION_PER_IP_CONNECTION_LIMIT, static_cast<unsigned>(of_one_address),
      MHD_OPTION_CONNECTION_TIMEOUT, static_cast<unsigned>(options.idle_timeout.count()),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory, MHD_OPTION_STRICT_FOR_CLIENT, 1,
      MHD_OPTION_NOTIFY_COMPLETED, &State::OnCompleted, state.get(), MHD_OPTION_NOTIFY_CONNECTION,
      &State::OnConnection, state.get(), MHD_OPTION_END);
  if (state->daemon == nullptr) {
    close(socket->fd);
    return absl::InternalError(absl::StrCat("the event thread of the HTTP listener at ",
                                            options.host, ":", socket->port, " did not start"));
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

}  // namespace auth::ops
