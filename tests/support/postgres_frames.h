#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace auth::testing {

// Cuts what a PostgreSQL client sends (protocol 3.0) into pieces: each is a request that ends with
// a ReadyForQuery of the server, or one message outside of any: start-up, password, Terminate. Not
// thread-safe.
class FrontendFrames {
 public:
  struct Piece {
    std::string bytes;
    // Of a request: the prepared statement that it executes last, or the text of a simple Query.
    std::string name;
  };

  void Append(std::string_view bytes) { buffer_.append(bytes); }
  // The next complete piece.
  std::optional<Piece> Next();

 private:
  bool NextBeforeSession(Piece* piece);

  std::string buffer_;
  size_t looked_at_ = 0;     // of the buffer
  std::string bound_;        // the statement of the last Bind
  std::string executed_;     // the statement of the last Execute of this request
  bool in_session_ = false;  // after the StartupMessage every message has a type
};

// Collects what a server answers to one request.
class BackendReply {
 public:
  // Whether the answer is complete: it has its ReadyForQuery.
  bool Append(std::string_view bytes);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  size_t looked_at_ = 0;
};

}  // namespace auth::testing
