#include "server/rpc/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/auth_calls.h"
#include "server/rpc/auth_service.h"
#include "server/rpc/credentials.h"
#include "server/rpc/health_reporter.h"
#include "server/rpc/pool_status_watch.h"
#include "server/rpc/transport_security.h"

namespace auth::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// The largest honest request (an address, a password, a UUID) is under 2 KiB. Parsing 4 MiB, gRPC's
// default, can cost half a second of CPU.
constexpr int kMaxRequestBytes = 16 * 1024;
constexpr int kMaxMetadataBytes = 8 * 1024;
constexpr int kMaxStreamsPerConnection = 100;
constexpr minutes kMaxConnectionIdle(5);
// Connections end sometimes, so that new replicas get their share of the load.
constexpr minutes kMaxConnectionAge(30);
constexpr seconds kMaxConnectionAgeGrace(30);
// A caller whose machine has vanished is noticed within a minute.
constexpr seconds kKeepaliveTime(40);
constexpr seconds kKeepaliveTimeout(20);
// Half of the minute at which our client pings: faster pings are abuse.
constexpr seconds kMinClientPingInterval(30);

// gRPC cuts off calls that arrive while it shuts down, and their callers see CANCELLED, which
// nobody repeats. So we first refuse calls ourselves for a while, as UNAVAILABLE: callers go
// elsewhere.
constexpr milliseconds kRefusalTime(100);
// How long answers may take to be delivered when calls are given up.
constexpr milliseconds kDeliveryTime(500);
// How long a client may take to say goodbye after the last call, before it is cut off. A health
// watch never does.
constexpr milliseconds kGoodbye(200);

int Milliseconds(milliseconds time) { return static_cast<int>(time.count()); }

void ApplyLimits(grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, Milliseconds(kMaxConnectionIdle));
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, Milliseconds(kMaxConnectionAge));
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                              Milliseconds(kMaxConnectionAgeGrace));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(kKeepaliveTime));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kKeepaliveTimeout));
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              Milliseconds(kMinClientPingInterval));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Two servers on one port would silently share the calls.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

// The reflection library adds itself to every server of a program that links it.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    grpc::reflection::ProtoServerReflectionPlugin reflection;
    std::erase_if(*plugins,
                  [&](const auto& plugin) { return plugin->name() == reflection.name(); });
  }
};

CallTable MakeCallTable(const AuthCalls* auth, const AdminCalls* admin) {
  CallTable table;
  table.Add<v1::RegisterRequest, v1::RegisterResponse>("auth.v1.AuthService/Register", auth);
  table.Add<v1::SignInRequest, v1::SignInResponse>("auth.v1.AuthService/SignIn", auth);
  table.Add<v1::ValidateSessionRequest, v1::ValidateSessionResponse>(
      "auth.v1.AuthService/ValidateSession", auth);
  table.Add<v1::SignOutRequest, v1::SignOutResponse>("auth.v1.AuthService/SignOut", auth);
  table.Add<v1::GetUserRequest, v1::GetUserResponse>("auth.v1.AuthService/GetUser", auth);
  table.Add<v1::GetPoolStatusRequest, v1::GetPoolStatusResponse>(
      "auth.v1.AdminService/GetPoolStatus", admin);
  table.Add<v1::RecreatePoolRequest, v1::RecreatePoolResponse>("auth.v1.AdminService/RecreatePool",
                                                               admin);
  return table;
}

// gRPC 1.51 never accepts again after it has once run out of descriptors.
void RaiseOpenFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

struct GrpcServer::State {
  State(const Options& options, const account::AccountServices* services, AdminSources admin,
        const CallDependencies& dependencies)
      : clock(dependencies.clock),
        calls(options.max_deadline, dependencies),
        auth_calls(services),
        admin_calls(std::move(admin)),
        methods(MakeCallTable(&auth_calls, &admin_calls)),
        watchers(&admin_calls.sources(), dependencies),
        auth_service(&auth_calls, clock, &calls),
        admin_service(&admin_calls, clock, &calls, &watchers) {}

  // Until it is over, or skipped.
  void WaitForDelay(Duration delay);
  void WaitUntil(MonotonicTime time);

  const Clock* const clock;
  CallDriver calls;
  const AuthCalls auth_calls;
  const AdminCalls admin_calls;
  const CallTable methods;
  PoolStatusWatchers watchers;
  AuthServiceImpl auth_service;
  AdminServiceImpl admin_service;
  std::unique_ptr<TlsReloader> tls;  // nullptr: plaintext
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<HealthReporter> health;
  int port = 0;
  bool drained = false;  // touched by the draining thread only

  Mutex mutex;
  CondVar skipped;
  bool skip_delay ABSL_GUARDED_BY(mutex) = false;
};

void GrpcServer::State::WaitForDelay(Duration delay) {
  const MonotonicTime end = clock->Monotonic() + delay;
  MutexLock lock(&mutex);
  while (!skip_delay && clock->Monotonic() < end) clock->WaitUntil(end, &skipped, &mutex);
}

void GrpcServer::State::WaitUntil(MonotonicTime time) {
  MutexLock lock(&mutex);
  CondVar never;
  while (clock->Monotonic() < time) clock->WaitUntil(time, &never, &mutex);
}

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const Options& options, const account::AccountServices* services, AdminSources admin,
    const CallDependencies& dependencies) {
  RaiseOpenFileLimit();
  grpc::EnableDefaultHealthCheckService(true);
  auto state = std::make_unique<State>(options, services, std::move(admin), dependencies);
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (!options.tls.enabled()) {
    absl::Status allowed = CheckTransport(options.tls, options.listen, options.allow_plaintext);
    if (!allowed.ok()) return allowed;
  } else {
    auto tls = TlsReloader::Start(options.tls, options.on_tls_change, dependencies.clock);
    if (!tls.ok()) return tls.status();
    state->tls = *std::move(tls);
    credentials = MakeTlsCredentials(*state->tls, !options.tls.client_ca.empty());
  }
  grpc::ServerBuilder builder;
  ApplyLimits(&builder);
  if (!options.reflection) builder.SetOption(std::make_unique<WithoutReflection>());
  builder.AddListeningPort(options.listen, credentials, &state->port);
  builder.RegisterService(&state->auth_service);
  builder.RegisterService(&state->admin_service);
  state->server = builder.BuildAndStart();
  if (state->server == nullptr || state->port == 0) {
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on ", options.listen,
        ": another program uses the port, or the address is not of this machine; stop the other "
        "one, or choose another address with --listen"));
  }
  state->health = std::make_unique<HealthReporter>(state->server->GetHealthCheckService());
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(state)));
}

GrpcServer::GrpcServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

GrpcServer::~GrpcServer() {
  if (!state_->drained) Drain(Duration::zero(), Duration::zero());
}

int GrpcServer::port() const { return state_->port; }

CallDriver* GrpcServer::calls() { return &state_->calls; }

const CallTable& GrpcServer::methods() const { return state_->methods; }

void GrpcServer::SetReady() {
  state_->calls.StartAdmitting();
  state_->health->SetReady();
}

void GrpcServer::SetDatabase(bool available) { state_->health->SetDatabase(available); }

bool GrpcServer::Drain(Duration delay, Duration timeout) {
  if (std::exchange(state_->drained, true)) return true;
  state_->health->Shutdown();
  state_->WaitForDelay(delay);

  CallDriver& calls = state_->calls;
  calls.StopAdmitting();
  state_->watchers.Shutdown();
  const MonotonicTime stopped = state_->clock->Monotonic();
  state_->WaitUntil(stopped + std::min<Duration>(kRefusalTime, timeout));
  int given_up = 0;
  if (!calls.WaitUntilIdle(stopped + timeout)) {
    given_up = calls.GiveUp();
    calls.WaitUntilIdle(state_->clock->Monotonic() + kDeliveryTime);
  }
  // Every call is answered, so this cannot wait for one.
  state_->server->Shutdown(state_->clock->Now() + kGoodbye);
  return given_up == 0;
}

void GrpcServer::SkipDrainDelay() {
  MutexLock lock(&state_->mutex);
  state_->skip_delay = true;
  state_->skipped.NotifyAll();
}

}  // namespace auth::rpc
