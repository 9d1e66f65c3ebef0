#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace auth::account {

// Text that must not stay behind in memory: a password. Its bytes are wiped when it goes away.
// Can be moved, not copied. Not a std::string, because moving a short one leaves its bytes behind.
class Secret {
 public:
  Secret() = default;
  ~Secret() { Wipe(); }
  Secret(Secret&& other) noexcept = default;
  Secret& operator=(Secret&& other) noexcept;

  static Secret CopyOf(std::string_view text);
  // Takes the text and wipes the string that it came in.
  static Secret TakeFrom(std::string* text);

  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  void Wipe();

  std::vector<char> bytes_;
};

// Overwrites memory in a way that the compiler may not leave out.
void WipeMemory(void* data, size_t size);

}  // namespace auth::account
