#include "tests/support/postgres_frames.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace auth::testing {
namespace {

std::string Int32(size_t value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift);
  return bytes;
}

std::string Message(char type, const std::string& body) {
  return type + Int32(body.size() + 4) + body;
}

std::string Text(const std::string& text) { return text + '\0'; }

std::string Bind(const std::string& statement) {
  return Message('B', Text("") + Text(statement) + std::string(6, '\0'));
}

const std::string kExecute = Message('E', Text("") + Int32(0));
const std::string kSync = Message('S', "");

std::string Startup() {
  const std::string body = Int32(3 << 16) + Text("user") + Text("ann") + '\0';
  return Int32(body.size() + 4) + body;
}

std::string SslRequest() { return Int32(8) + Int32(80877103); }

// What comes out, after each byte came alone.
std::vector<FrontendFrames::Piece> CutByteByByte(const std::string& stream) {
  FrontendFrames frames;
  std::vector<FrontendFrames::Piece> pieces;
  for (const char byte : stream) {
    frames.Append(std::string_view(&byte, 1));
    while (auto piece = frames.Next()) pieces.push_back(*piece);
  }
  return pieces;
}

TEST(FrontendFramesTest, CutsASession) {
  const std::string password = Message('p', "secret");
  const std::string parse =
      Message('P', Text("find") + Text("SELECT 1") + std::string(2, '\0')) + kSync;
  const std::string execute = Bind("find") + Message('D', "P" + Text("")) + kExecute + kSync;
  const std::string commit = Message('Q', Text("COMMIT"));
  const std::string terminate = Message('X', "");

  const std::vector<std::string> sent = {SslRequest(), Startup(), password, parse,
                                         execute,      commit,    terminate};
  std::string stream;
  for (const std::string& piece : sent) stream += piece;
  const std::vector<FrontendFrames::Piece> pieces = CutByteByByte(stream);

  ASSERT_EQ(pieces.size(), sent.size());
  for (size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(pieces[i].bytes, sent[i]) << i;
  std::vector<std::string> names;
  for (const FrontendFrames::Piece& piece : pieces) names.push_back(piece.name);
  EXPECT_EQ(names, std::vector<std::string>({"", "", "", "", "find", "COMMIT", ""}));
}

TEST(FrontendFramesTest, AnUnnamedStatementHasNoName) {
  const auto pieces = CutByteByByte(Startup() + Bind("") + kExecute + kSync);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[1].name, "");
}

TEST(FrontendFramesTest, KeepsWhatIsNotComplete) {
  FrontendFrames frames;
  frames.Append(Startup());
  EXPECT_TRUE(frames.Next());
  frames.Append(Bind("find") + kExecute);
  EXPECT_FALSE(frames.Next()) << "the Sync is missing";
  frames.Append(kSync);
  EXPECT_EQ(frames.Next()->name, "find");
}

TEST(BackendReplyTest, EndsWithReadyForQuery) {
  BackendReply reply;
  const std::string row = Message('D', "Z is not a type here");
  EXPECT_FALSE(reply.Append(row));
  const std::string ready = Message('Z', "I");
  EXPECT_FALSE(reply.Append(ready.substr(0, 3)));
  EXPECT_TRUE(reply.Append(ready.substr(3)));
  EXPECT_EQ(reply.bytes(), row + ready);
}

}  // namespace
}  // namespace auth::testing
