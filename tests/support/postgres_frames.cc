#include "tests/support/postgres_frames.h"

#include <cstdint>
#include <utility>

// https://www.postgresql.org/docs/current/protocol-message-formats.html
namespace auth::testing {
namespace {

constexpr uint32_t kStartupMessage = 3 << 16;
constexpr size_t kLengthSize = 4;
constexpr size_t kHeaderSize = 1 + kLengthSize;

uint32_t ReadInt32(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

// The typed message that `bytes` begin with; empty if it is not complete.
std::string_view FirstMessage(std::string_view bytes) {
  if (bytes.size() < kHeaderSize) return {};
  const size_t size = 1 + ReadInt32(bytes.substr(1));
  return bytes.size() < size ? std::string_view() : bytes.substr(0, size);
}

// The zero-terminated string that `bytes` begin with.
std::string_view FirstString(std::string_view bytes) { return bytes.substr(0, bytes.find('\0')); }

}  // namespace

std::optional<FrontendFrames::Piece> FrontendFrames::Next() {
  Piece piece;
  if (!in_session_) return NextBeforeSession(&piece) ? std::optional(piece) : std::nullopt;
  for (;;) {
    const std::string_view message = FirstMessage(std::string_view(buffer_).substr(looked_at_));
    if (message.empty()) return std::nullopt;
    looked_at_ += message.size();
    const std::string_view body = message.substr(kHeaderSize);
    switch (message[0]) {
      case 'B': {
        const std::string_view portal = FirstString(body);
        bound_ = FirstString(body.substr(portal.size() + 1));
        continue;
      }
      case 'E':
        executed_ = bound_;
        continue;
      case 'P':
      case 'D':
      case 'C':
        continue;
      case 'Q':
        executed_ = FirstString(body);
        break;
      default:  // Sync, which ends a request, or one that belongs to none
        break;
    }
    piece.bytes = buffer_.substr(0, looked_at_);
    piece.name = std::exchange(executed_, "");
    buffer_.erase(0, std::exchange(looked_at_, 0));
    return piece;
  }
}

bool FrontendFrames::NextBeforeSession(Piece* piece) {
  if (buffer_.size() < 2 * kLengthSize) return false;
  const size_t size = ReadInt32(buffer_);
  if (buffer_.size() < size) return false;
  in_session_ = ReadInt32(std::string_view(buffer_).substr(kLengthSize)) == kStartupMessage;
  piece->bytes = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return true;
}

bool BackendReply::Append(std::string_view bytes) {
  bytes_.append(bytes);
  for (;;) {
    const std::string_view message = FirstMessage(std::string_view(bytes_).substr(looked_at_));
    if (message.empty()) return false;
    looked_at_ += message.size();
    if (message[0] == 'Z') return true;
  }
}

}  // namespace auth::testing
