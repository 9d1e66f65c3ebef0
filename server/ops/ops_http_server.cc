#include "server/ops/ops_http_server.h"

#include <microhttpd.h>
#include <unistd.h>

#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/ops/blocking_routes.h"
#include "server/ops/listen_socket.h"

namespace auth::ops {
namespace {

// For request line and headers. A probe sends some 200 bytes, a browser 2 KiB.
constexpr std::size_t kConnectionMemory = 8 * 1024;

// Marks, in a request's own pointer, that its headers have been seen.
char kHeadersSeen;

using Response = std::unique_ptr<MHD_Response, decltype(&MHD_destroy_response)>;

Response MakeResponse(const HttpResponse& from) {
  Response response(
      MHD_create_response_from_buffer(from.body.size(), const_cast<char*>(from.body.data()),
                                      MHD_RESPMEM_MUST_COPY),
      &MHD_destroy_response);
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONTENT_TYPE, from.content_type.c_str());
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  MHD_add_response_header(response.get(), "X-Content-Type-Options", "nosniff");
  if (from.status == MHD_HTTP_METHOD_NOT_ALLOWED) {
    MHD_add_response_header(response.get(), MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  }
  return response;
}

MHD_Result Queue(MHD_Connection* connection, const HttpResponse& response) {
  return MHD_queue_response(connection, static_cast<unsigned>(response.status),
                            MakeResponse(response).get());
}

}  // namespace

struct OpsHttpServer::State {
  ~State() {
    blocking.Stop();  // resumes every suspended connection, as MHD_stop_daemon demands
    if (daemon != nullptr) MHD_stop_daemon(daemon);
  }

  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* url,
                              const char* method, const char* version, const char* body,
                              std::size_t* body_size, void** request);
  MHD_Result Answer(MHD_Connection* connection, std::string_view path);

  std::map<std::string, HttpRoute, std::less<>> routes;
  HttpResponse not_found;  // lists the paths there are
  std::uint16_t port = 0;
  MHD_Daemon* daemon = nullptr;
  BlockingRoutes blocking;
};

// libmicrohttpd calls this when the headers are there, for each piece of a body, and at the end.
MHD_Result OpsHttpServer::State::OnRequest(void* self, MHD_Connection* connection, const char* url,
                                           const char* method, const char* /*version*/,
                                           const char* /*body*/, std::size_t* body_size,
                                           void** request) {
  const std::string_view verb(method);
  if (verb != MHD_HTTP_METHOD_GET && verb != MHD_HTTP_METHOD_HEAD) {
    return Queue(connection, {.status = MHD_HTTP_METHOD_NOT_ALLOWED,
                              .body = "{\"error\":\"use GET or HEAD\"}\n"});
  }
  if (*request == nullptr) {
    *request = &kHeadersSeen;
    return MHD_YES;
  }
  if (*body_size != 0) return MHD_NO;  // closes: nothing here takes a body
  return static_cast<State*>(self)->Answer(connection, url);
}

MHD_Result OpsHttpServer::State::Answer(MHD_Connection* connection, std::string_view path) {
  const auto found = routes.find(path);
  if (found == routes.end()) return Queue(connection, not_found);
  const HttpRoute& route = found->second;
  if (!route.may_block) return Queue(connection, route.handler());
  MHD_suspend_connection(connection);
  blocking.Submit(&route, [connection](const HttpResponse& response) {
    Queue(connection, response);
    MHD_resume_connection(connection);
  });
  return MHD_YES;
}

OpsHttpServer::OpsHttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

OpsHttpServer::~OpsHttpServer() = default;

std::uint16_t OpsHttpServer::port() const { return state_->port; }

absl::StatusOr<std::unique_ptr<OpsHttpServer>> OpsHttpServer::Start(const Options& options,
                                                                    std::vector<HttpRoute> routes) {
  const absl::StatusOr<ListenSocket> socket = ListenOn(options.host, options.port);
  if (!socket.ok()) return socket.status();

  auto state = std::make_unique<State>();
  state->port = socket->port;
  for (HttpRoute& route : routes) state->routes.emplace(route.path, std::move(route));
  std::string paths;
  for (const auto& [path, route] : state->routes) {
    absl::StrAppend(&paths, paths.empty() ? "\"" : ",\"", path, "\"");
  }
  state->not_found = {
      .status = MHD_HTTP_NOT_FOUND,
      .body = absl::StrCat("{\"error\":\"no such path\",\"paths\":[", paths, "]}\n")};

  state->daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, /*port=*/0, nullptr, nullptr,
      &State::OnRequest, state.get(), MHD_OPTION_LISTEN_SOCKET, socket->fd,
      MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(options.max_connections),
      MHD_OPTION_PER_IP_CONNECTION_LIMIT,
      static_cast<unsigned>(options.max_connections_per_address), MHD_OPTION_CONNECTION_TIMEOUT,
      static_cast<unsigned>(options.idle_timeout.count()), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      kConnectionMemory, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
  if (state->daemon == nullptr) {
    close(socket->fd);
    return absl::InternalError("the ops listener's event thread did not start");
  }
  return std::unique_ptr<OpsHttpServer>(new OpsHttpServer(std::move(state)));
}

}  // namespace auth::ops
