#include "server/ops/ops_http_server.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/ops/blocking_routes.h"

namespace auth::ops {

struct OpsHttpServer::Routes {
  explicit Routes(std::vector<HttpRoute> routes);
  void Handle(const HttpRequest& request, HttpServer::Answer answer);

  std::map<std::string, HttpRoute, std::less<>> by_path;
  HttpResponse not_found;  // lists the paths there are
  BlockingRoutes blocking;
};

OpsHttpServer::Routes::Routes(std::vector<HttpRoute> routes) {
  for (HttpRoute& route : routes) by_path.emplace(route.path, std::move(route));
  std::string paths;
  for (const auto& [path, route] : by_path) {
    absl::StrAppend(&paths, paths.empty() ? "\"" : ",\"", path, "\"");
  }
  not_found = {.status = 404,
               .body = absl::StrCat("{\"error\":\"no such path\",\"paths\":[", paths, "]}\n")};
}

void OpsHttpServer::Routes::Handle(const HttpRequest& request, HttpServer::Answer answer) {
  const auto found = by_path.find(request.path);
  if (found == by_path.end()) return answer(not_found);
  const HttpRoute& route = found->second;
  if (!route.may_block) return answer(route.handler());
  blocking.Submit(&route, std::move(answer));
}

OpsHttpServer::OpsHttpServer(std::unique_ptr<Routes> routes) : routes_(std::move(routes)) {}

OpsHttpServer::~OpsHttpServer() {
  routes_->blocking.Stop();  // answers what waits, for which the server waits
}

absl::StatusOr<std::unique_ptr<OpsHttpServer>> OpsHttpServer::Start(
    const HttpServer::Options& options, std::vector<HttpRoute> routes, const Clock* clock) {
  std::unique_ptr<OpsHttpServer> ops(
      new OpsHttpServer(std::make_unique<Routes>(std::move(routes))));
  auto server = HttpServer::Start(
      options,
      [routes = ops->routes_.get()](const HttpRequest& request, HttpServer::Answer answer) {
        routes->Handle(request, std::move(answer));
      },
      clock);
  if (!server.ok()) return server.status();
  ops->server_ = *std::move(server);
  return ops;
}

}  // namespace auth::ops
