#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "pool/clock.h"
#include "pool/mutex.h"
#include "server/account/errors.h"
#include "server/account/operation.h"
#include "server/ops/call_record.h"
#include "server/ops/trace_context.h"
#include "server/rpc/access_policy.h"
#include "server/work/admission_controller.h"
#include "server/work/worker_pool.h"

namespace auth::rpc {

// What calls run on. None is owned; all must outlive every task of the worker pools.
struct CallDependencies {
  const Clock* clock = nullptr;
  work::AdmissionController* admission = nullptr;
  work::WorkerPool* hash_workers = nullptr;
  work::WorkerPool* store_workers = nullptr;
  ops::CallObserver* observer = nullptr;
  const AccessPolicy* access = nullptr;
};

// What is known of a call when it arrives, whatever protocol brought it.
struct CallInfo {
  std::string_view rpc;     // "Register"; a static string
  std::string_view method;  // "auth.v1.AuthService/Register"; a static string
  // Whether the call is refused until the database has what operations expect of it.
  bool needs_database = true;
  // Why the request cannot be read, if it cannot: the answer, if the caller may call at all.
  absl::Status malformed = absl::OkStatus();
  std::optional<WallTime> client_deadline;
  // The answer if GiveUp finds the call in a store step, i.e. perhaps done.
  absl::Status outcome_unknown = account::MakeError(account::Reason::kShuttingDown);
  std::string peer;
  std::string caller;  // who it is by his credentials, or empty
  std::string
      authorization;  // as sent: "Bearer …", or empty; CallDriver forgets it once it is checked
  std::string request_id;
  ops::TraceContext trace;
};

// The end of a call that the protocol knows: how its answer is written and sent.
class Responder {
 public:
  virtual ~Responder() = default;

  // The operation is done: writes its result into the response. OK, or why there is no response.
  virtual absl::Status WriteResult() = 0;

  // Sends the response, or the error. Called exactly once, on any thread, as the last call; must
  // not block. The responder may be gone when it returns.
  virtual void Finish(const absl::Status& status) = 0;
};

class Call;

// Drives calls from arrival to answer, without knowing the protocol: deadline, structural checks,
// admission, the hops between the `hash` and `store` workers, expiry, cancellation, and the record
// of what happened. Blocks no thread. Every call is answered exactly once:
//
// - CALLER_NOT_ALLOWED, before anything else is looked at, if AccessPolicy says so;
// - with its result, when its operation is done (also if the deadline passed during the last step);
// - OVERLOADED at arrival, if it could not be done in time;
// - DEADLINE_EXCEEDED, by a worker pool's timer, if its deadline passes in a queue;
// - CANCELLED, if the caller goes while it waits or between two steps; a step is not interrupted;
// - INTERNAL, if a step throws;
// - DATABASE_UNAVAILABLE, if it needs the database and comes before StartAdmitting;
// - SHUTTING_DOWN, if it comes after StopAdmitting, or what GiveUp says.
//
// Thread-safe. All handles must be destroyed before the driver.
class CallDriver {
 public:
  // A caller's end of a call, to be kept until its answer is delivered.
  class Handle {
   public:
    Handle() = default;
    Handle(Handle&& other) noexcept;
    Handle& operator=(Handle&& other) noexcept;
    ~Handle();

    // The caller has gone.
    void Cancel();

   private:
    friend class CallDriver;
    Handle(CallDriver* driver, std::shared_ptr<Call> call);
    CallDriver* driver_ = nullptr;
    std::shared_ptr<Call> call_;
  };

  // A call's deadline is the caller's, but at most `max_deadline` after its arrival.
  CallDriver(Duration max_deadline, const CallDependencies& dependencies);

  // `responder` must live until its Finish is called, which may happen before Start returns.
  Handle Start(CallInfo info, std::unique_ptr<account::Operation> operation, Responder* responder);

  // The database has what the operations expect of it: calls are served from now on.
  void StartAdmitting();

  // New calls are answered with SHUTTING_DOWN from now on.
  void StopAdmitting();

  // Waits until no handle is left; false if some are when `deadline` passes.
  bool WaitUntilIdle(MonotonicTime deadline);

  // Answers every unanswered call now: SHUTTING_DOWN, or its `outcome_unknown`. Steps that are
  // running go on, and their result is dropped. Returns how many calls were given up.
  int GiveUp();

 private:
  Duration TimeAllowed(const CallInfo& info) const;
  // Tells, too, who the caller is.
  absl::Status CheckAccess(CallInfo* info) const;
  void Remove(const std::shared_ptr<Call>& call);

  const Duration max_deadline_;
  const CallDependencies dependencies_;
  Mutex mutex_;
  CondVar idle_;
  enum class Phase { kStarting, kAdmitting, kStopping };
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kStarting;
  absl::flat_hash_set<std::shared_ptr<Call>> calls_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth::rpc
