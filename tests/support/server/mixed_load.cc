#include "tests/support/server/mixed_load.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pool/mutex.h"
#include "tests/support/server/calls.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using Clock = std::chrono::steady_clock;
using TimePoint = MixedLoad::TimePoint;

constexpr size_t kFailuresInWords = 5;
constexpr double kLeastInTime = 0.9;
constexpr std::chrono::milliseconds kInTime(200);

// Calls of one kind, due at equal distances, whatever becomes of them.
struct Stream {
  Stream(double per_second, std::function<void()> send_one)
      : interval(per_second > 0 ? static_cast<int64_t>(1e9 / per_second) : 0),
        send(std::move(send_one)),
        due(per_second > 0 ? Clock::now() : TimePoint::max()) {}

  // How many are due from `due` until `moment`.
  int64_t DueUntil(TimePoint moment) const {
    return due > moment ? 0 : (moment - due) / interval + 1;
  }

  std::chrono::nanoseconds interval;
  std::function<void()> send;
  TimePoint due;
};

struct Answer {
  TimePoint ended;
  bool ok = false;
};

struct AnyCall {
  explicit AnyCall(std::chrono::milliseconds timeout) {
    context.set_deadline(std::chrono::system_clock::now() + timeout);
  }
  virtual ~AnyCall() = default;

  grpc::ClientContext context;
};

template <typename Request, typename Response>
struct Call final : AnyCall {
  using AnyCall::AnyCall;

  Request request;
  Response response;
};

}  // namespace

struct MixedLoad::State {
  State(const std::string& address, Options the_options, History* the_history);

  void AwaitFirstRegistration();
  void Stop();

  // The body of the thread: sends what is due, and tells how it went.
  void Send();
  void SendUntilStopped(std::vector<Stream>* streams);
  void ExpectSentInTime(const std::vector<Stream>& streams) const;
  void Register();
  void Validate();
  void SignOut();

  v1::AuthService::Stub::async_interface* NextStub();
  void OnRegistered(const RegisterAttempt& attempt);
  // The call now lives until it has ended.
  template <typename AnyKind>
  AnyKind* Begin(std::unique_ptr<AnyKind> call);
  // `mistake` says what is wrong with an answer that is OK; else it is empty.
  void End(const char* rpc, AnyCall* call, const grpc::Status& status,
           const std::string& mistake = "");
  void DestroyEnded();

  const Options options;
  History* const history;
  std::vector<std::unique_ptr<v1::AuthService::Stub>> stubs;
  // The thread's own.
  std::mt19937_64 random = TestRandom(options.email_prefix);
  int64_t sent = 0;
  int64_t turns = 0;          // of the streams
  int64_t turns_in_time = 0;  // of those

  mutable Mutex mutex;
  CondVar changed;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  std::map<AnyCall*, std::unique_ptr<AnyCall>> under_way ABSL_GUARDED_BY(mutex);
  // Destroyed by a thread of ours: the last one holds the last reference to the last channel, whose
  // destructor joins gRPC's threads, and must not run on one of them.
  std::vector<std::unique_ptr<AnyCall>> ended ABSL_GUARDED_BY(mutex);
  // A session either stays and is validated, or leaves: no validation races with a sign-out.
  std::vector<v1::Session> staying ABSL_GUARDED_BY(mutex);
  std::deque<v1::Session> leaving ABSL_GUARDED_BY(mutex);
  std::vector<Answer> answers ABSL_GUARDED_BY(mutex);
  std::vector<std::string> failures ABSL_GUARDED_BY(mutex);
  std::thread thread;
};

MixedLoad::State::State(const std::string& address, Options the_options, History* the_history)
    : options(std::move(the_options)), history(the_history) {
  for (int i = 0; i < options.channels; ++i) stubs.push_back(NewPlainStub(address));
}

void MixedLoad::State::AwaitFirstRegistration() {
  const RegisterAttempt first =
      testing::Register(stubs.front().get(), absl::StrCat(options.email_prefix, "@example.com"),
                        NewRequestId(&random), options.timeout);
  history->Record(first);
  if (!first.status.ok()) {
    throw std::runtime_error("the load cannot begin: " + first.status.error_message());
  }
  MutexLock lock(&mutex);
  staying.push_back(first.response.session());
}

void MixedLoad::State::Stop() {
  {
    MutexLock lock(&mutex);
    stopping = true;
    changed.NotifyAll();
  }
  if (thread.joinable()) thread.join();
  {
    MutexLock lock(&mutex);
    while (!under_way.empty()) changed.Wait(&mutex);
  }
  DestroyEnded();
}

void MixedLoad::State::Send() {
  std::vector<Stream> streams = {{options.registrations_per_second, [this] { Register(); }},
                                 {options.validations_per_second, [this] { Validate(); }},
                                 {options.sign_outs_per_second, [this] { SignOut(); }}};
  SendUntilStopped(&streams);
  ExpectSentInTime(streams);
}

void MixedLoad::State::SendUntilStopped(std::vector<Stream>* streams) {
  for (;;) {
    Stream& next = *std::min_element(
        streams->begin(), streams->end(),
        [](const Stream& left, const Stream& right) { return left.due < right.due; });
    {
      MutexLock lock(&mutex);
      while (!stopping && Clock::now() < next.due) changed.WaitUntilRealTime(&mutex, next.due);
      if (stopping) return;
    }
    next.send();
    ++turns;
    if (Clock::now() - next.due <= kInTime) ++turns_in_time;
    next.due += next.interval;
    DestroyEnded();
  }
}

void MixedLoad::State::ExpectSentInTime(const std::vector<Stream>& streams) const {
  int64_t due = turns;
  for (const Stream& stream : streams) due += stream.DueUntil(Clock::now() - kInTime);
  std::printf("%ld calls were due, %ld of them sent in time\n", due, turns_in_time);
  EXPECT_GE(static_cast<double>(turns_in_time), kLeastInTime * static_cast<double>(due))
      << "the load was not what was meant";
}

void MixedLoad::State::Register() {
  auto* const call =
      Begin(std::make_unique<Call<v1::RegisterRequest, v1::RegisterResponse>>(options.timeout));
  call->request.set_email(absl::StrCat(options.email_prefix, "-", sent, "@example.com"));
  call->request.set_password(kGoodPassword);
  call->request.set_request_id(NewRequestId(&random));
  NextStub()->Register(&call->context, &call->request, &call->response,
                       [this, call](const grpc::Status& status) {
                         OnRegistered({call->request, status, call->response});
                         End("Register", call, status);
                       });
}

void MixedLoad::State::OnRegistered(const RegisterAttempt& attempt) {
  history->Record(attempt);
  if (!attempt.status.ok()) return;
  MutexLock lock(&mutex);
  if (leaving.empty()) {
    leaving.push_back(attempt.response.session());
  } else {
    staying.push_back(attempt.response.session());
  }
}

void MixedLoad::State::Validate() {
  auto* const call =
      Begin(std::make_unique<Call<v1::ValidateSessionRequest, v1::ValidateSessionResponse>>(
          options.timeout));
  std::string id;
  {
    MutexLock lock(&mutex);
    const v1::Session& session = staying[random() % staying.size()];
    call->request.set_session_token(session.session_token());
    id = session.id();
  }
  NextStub()->ValidateSession(
      &call->context, &call->request, &call->response,
      [this, call, id](const grpc::Status& status) {
        const bool mistaken = status.ok() && call->response.session().id() != id;
        End("ValidateSession", call, status, mistaken ? "answered another session" : "");
      });
}

void MixedLoad::State::SignOut() {
  v1::Session session;
  {
    MutexLock lock(&mutex);
    if (leaving.empty()) return;
    session = std::move(leaving.front());
    leaving.pop_front();
  }
  auto* const call =
      Begin(std::make_unique<Call<v1::SignOutRequest, v1::SignOutResponse>>(options.timeout));
  call->request.set_session_token(session.session_token());
  NextStub()->SignOut(&call->context, &call->request, &call->response,
                      [this, call, id = session.id()](const grpc::Status& status) {
                        history->RecordSignOut(id, status);
                        End("SignOut", call, status);
                      });
}

v1::AuthService::Stub::async_interface* MixedLoad::State::NextStub() {
  return stubs[static_cast<size_t>(sent++) % stubs.size()]->async();
}

template <typename AnyKind>
AnyKind* MixedLoad::State::Begin(std::unique_ptr<AnyKind> call) {
  AnyKind* const begun = call.get();
  MutexLock lock(&mutex);
  under_way.emplace(begun, std::move(call));
  return begun;
}

void MixedLoad::State::End(const char* rpc, AnyCall* call, const grpc::Status& status,
                           const std::string& mistake) {
  MutexLock lock(&mutex);
  const bool good = status.ok() && mistake.empty();
  answers.push_back({Clock::now(), good});
  if (!good && failures.size() < kFailuresInWords) {
    failures.push_back(absl::StrCat(rpc, ": ", status.error_code(), " ", ReasonOf(status), " ",
                                    status.error_message(), mistake));
  }
  const auto found = under_way.find(call);
  ended.push_back(std::move(found->second));
  under_way.erase(found);
  changed.NotifyAll();
}

void MixedLoad::State::DestroyEnded() {
  std::vector<std::unique_ptr<AnyCall>> calls;
  MutexLock lock(&mutex);
  calls.swap(ended);
}

MixedLoad::MixedLoad(const std::string& address, Options options, History* history)
    : state_(std::make_unique<State>(address, std::move(options), history)) {
  state_->AwaitFirstRegistration();
  state_->thread = std::thread([this] { state_->Send(); });
}

MixedLoad::~MixedLoad() { Stop(); }

void MixedLoad::Stop() { state_->Stop(); }

int64_t MixedLoad::ok() const {
  MutexLock lock(&state_->mutex);
  return std::count_if(state_->answers.begin(), state_->answers.end(),
                       [](const Answer& answer) { return answer.ok; });
}

int64_t MixedLoad::failed() const {
  MutexLock lock(&state_->mutex);
  return std::count_if(state_->answers.begin(), state_->answers.end(),
                       [](const Answer& answer) { return !answer.ok; });
}

std::string MixedLoad::failures() const {
  MutexLock lock(&state_->mutex);
  return absl::StrJoin(state_->failures, "\n");
}

MixedLoad::TimePoint MixedLoad::FirstOkAfter(TimePoint moment) const {
  MutexLock lock(&state_->mutex);
  TimePoint first = TimePoint::max();
  for (const Answer& answer : state_->answers) {
    if (answer.ok && answer.ended > moment) first = std::min(first, answer.ended);
  }
  return first;
}

}  // namespace auth::testing
