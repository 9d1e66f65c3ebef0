// What a password costs: the Argon2 of a registration in a reused arena, on one thread and on two,
// and the checks that come before it.

#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "server/account/argon2_hasher.h"
#include "server/account/email_address.h"
#include "server/account/password_policy.h"
#include "server/account/password_text.h"

namespace auth::account {
namespace {

constexpr int kMaxThreads = 2;

// Arguments: memory in KiB, iterations.
void BM_Argon2Hash(benchmark::State& state) {
  static std::unique_ptr<Argon2Hasher> hasher;
  if (state.thread_index() == 0) {
    hasher = *Argon2Hasher::Create({.parameters = {static_cast<uint32_t>(state.range(0)),
                                                   static_cast<uint32_t>(state.range(1)), 1},
                                    .arenas = state.threads()});
  }
  for (auto _ : state) benchmark::DoNotOptimize(hasher->Hash("correct horse battery staple"));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Argon2Hash)
    ->ArgNames({"m", "t"})
    ->Args({19456, 2})
    ->Args({47104, 1})
    ->ThreadRange(1, kMaxThreads)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void BM_ParseEmail(benchmark::State& state) {
  for (auto _ : state) {
    std::vector<FieldViolation> violations;
    benchmark::DoNotOptimize(EmailAddress::Parse("Ann.Lee+news@B\u00dcCHER.example", &violations));
  }
}
BENCHMARK(BM_ParseEmail);

void BM_CheckPassword(benchmark::State& state, std::string_view password) {
  const PasswordPolicy policy(PasswordPolicy::Options{});
  std::vector<FieldViolation> violations;
  const auto email = EmailAddress::Parse("ann.lee@example.com", &violations);
  for (auto _ : state) {
    const auto text = PasswordText::Parse(password, &violations);
    benchmark::DoNotOptimize(policy.Check(*text, &*email, &violations));
  }
}
BENCHMARK_CAPTURE(BM_CheckPassword, ascii, "correct horse battery staple");
BENCHMARK_CAPTURE(BM_CheckPassword, cyrillic, "лошадь скрепка батарея");

}  // namespace
}  // namespace auth::account
