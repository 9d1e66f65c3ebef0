#include "server/account/argon2id.h"

#include <argon2.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace auth::account {
namespace {

// libargon2 hands its callbacks no pointer of the caller's: so the arena of the computation that
// runs on this thread lies here, between entering argon2_ctx and leaving it. libargon2 allocates on
// the calling thread also where it computes on others.
thread_local const HashArena* current_arena = nullptr;

int AllocateFromArena(uint8_t** memory, size_t size) {
  const bool fits = current_arena != nullptr && size <= current_arena->size();
  *memory = fits ? current_arena->data() : nullptr;
  return fits ? ARGON2_OK : ARGON2_MEMORY_ALLOCATION_ERROR;
}

// libargon2 has wiped the memory before it calls this; the arena stays mapped.
void ReturnToArena(uint8_t*, size_t) {}

uint8_t* Bytes(std::string_view text) {
  // The context's pointers are not const, for flags that wipe the input; none is set here.
  return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
}

uint32_t Size(std::string_view text) { return static_cast<uint32_t>(text.size()); }

}  // namespace

absl::StatusOr<Argon2Tag> Argon2id(const Argon2Parameters& parameters, const Argon2Input& input,
                                   const HashArena& arena) {
  Argon2Tag tag;
  argon2_context context = {};
  context.out = tag.data();
  context.outlen = static_cast<uint32_t>(tag.size());
  context.pwd = Bytes(input.password);
  context.pwdlen = Size(input.password);
  context.salt = Bytes(input.salt);
  context.saltlen = Size(input.salt);
  context.secret = Bytes(input.secret);
  context.secretlen = Size(input.secret);
  context.ad = Bytes(input.associated_data);
  context.adlen = Size(input.associated_data);
  context.t_cost = parameters.iterations;
  context.m_cost = parameters.memory_kib;
  context.lanes = parameters.parallelism;
  context.threads = 1;  // the lanes one after the other: cores belong to other calls
  context.version = ARGON2_VERSION_13;
  context.allocate_cbk = AllocateFromArena;
  context.free_cbk = ReturnToArena;
  context.flags = ARGON2_DEFAULT_FLAGS;

  current_arena = &arena;
  const int error = argon2_ctx(&context, Argon2_id);
  current_arena = nullptr;
  if (error != ARGON2_OK) {
    return absl::InternalError(absl::StrCat("Argon2 failed: ", argon2_error_message(error)));
  }
  return tag;
}

}  // namespace auth::account
