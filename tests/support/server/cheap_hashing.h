#pragma once

#include <string>
#include <vector>

namespace auth::testing {

// `flags` of an auth_server, and those that make a password hash cost next to nothing: for tests
// about the database, whose calls must not wait for a processor. The hash workers run with a low
// priority, and on a busy machine a real hash takes them seconds.
inline std::vector<std::string> WithCheapHashing(std::vector<std::string> flags) {
  flags.insert(flags.end(),
               {"--allow-weak-hashing", "--argon2-memory-kib=64", "--argon2-iterations=1"});
  return flags;
}

}  // namespace auth::testing
