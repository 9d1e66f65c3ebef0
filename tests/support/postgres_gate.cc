#include "tests/support/postgres_gate.h"

#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "pool/mutex.h"
#include "tests/support/postgres_frames.h"

namespace auth::testing {

// The rules, and what came of them; shared by all connections.
class PostgresGate::Script {
 public:
  explicit Script(uint64_t seed) : random_(seed) {}

  void Add(const Rule& rule) {
    MutexLock lock(&mutex_);
    rules_.push_back(rule);
  }

  void Clear() {
    MutexLock lock(&mutex_);
    rules_.clear();
  }

  // The rule that hits this request, if any.
  std::optional<Rule> Judge(const std::string& request) {
    MutexLock lock(&mutex_);
    ++seen_[request];
    for (Rule& rule : rules_) {
      if (rule.request != request || rule.times <= 0) continue;
      if (std::uniform_real_distribution()(random_) >= rule.probability) continue;
      --rule.times;
      return rule;
    }
    return std::nullopt;
  }

  // How much of an answer of `size` bytes gets through.
  size_t ReplyBytes(const Rule& rule, size_t size) {
    MutexLock lock(&mutex_);
    if (!rule.reply_bytes) return std::uniform_int_distribution<size_t>(0, size - 1)(random_);
    return std::min(static_cast<size_t>(*rule.reply_bytes), size - 1);
  }

  void Done(Fault fault) {
    MutexLock lock(&mutex_);
    ++done_[fault];
  }

  int64_t seen(const std::string& request) const {
    MutexLock lock(&mutex_);
    const auto found = seen_.find(request);
    return found == seen_.end() ? 0 : found->second;
  }

  int64_t done(Fault fault) const {
    MutexLock lock(&mutex_);
    const auto found = done_.find(fault);
    return found == done_.end() ? 0 : found->second;
  }

 private:
  mutable Mutex mutex_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mutex_);
  std::vector<Rule> rules_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t> seen_ ABSL_GUARDED_BY(mutex_);
  std::map<Fault, int64_t> done_ ABSL_GUARDED_BY(mutex_);
};

class PostgresGate::Connection final : public Tap {
 public:
  explicit Connection(std::shared_ptr<Script> script) : script_(std::move(script)) {}

  bool OnBytes(Direction direction, std::string_view arrived, std::string* passing) override {
    return direction == Direction::kToServer ? OnRequest(arrived, passing)
                                             : OnReply(arrived, passing);
  }

 private:
  bool OnRequest(std::string_view arrived, std::string* passing) {
    frames_.Append(arrived);
    while (const std::optional<FrontendFrames::Piece> piece = frames_.Next()) {
      std::optional<Rule> rule;
      if (!piece->name.empty()) rule = script_->Judge(piece->name);
      if (rule && rule->fault == Fault::kCutBefore) {
        script_->Done(Fault::kCutBefore);
        return false;
      }
      passing->append(piece->bytes);
      if (rule && rule->fault == Fault::kCutAfter) {
        script_->Done(Fault::kCutAfter);
        return false;
      }
      losing_ = rule;
    }
    return true;
  }

  bool OnReply(std::string_view arrived, std::string* passing) {
    if (!losing_) {
      passing->append(arrived);
      return true;
    }
    if (!reply_.Append(arrived)) return true;
    passing->append(reply_.bytes(), 0, script_->ReplyBytes(*losing_, reply_.bytes().size()));
    script_->Done(Fault::kLoseReply);
    return false;
  }

  const std::shared_ptr<Script> script_;
  FrontendFrames frames_;
  // The rule for the answer that is expected now.
  std::optional<Rule> losing_;
  BackendReply reply_;
};

PostgresGate::PostgresGate(int target_port, uint64_t seed)
    : script_(std::make_shared<Script>(seed)),
      gate_(target_port,
            {.tap = [script = script_] { return std::make_unique<Connection>(script); }}) {}

PostgresGate::~PostgresGate() = default;

void PostgresGate::Add(const Rule& rule) { script_->Add(rule); }
void PostgresGate::ClearRules() { script_->Clear(); }
int64_t PostgresGate::seen(const std::string& request) const { return script_->seen(request); }
int64_t PostgresGate::done(Fault fault) const { return script_->done(fault); }

}  // namespace auth::testing
