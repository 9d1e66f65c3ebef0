#include "client/authctl/json.h"
#include "client/authctl/pool_text.h"
#include "client/authctl/pool_view.h"

namespace auth::authctl {
namespace {

class LineView final : public PoolView {
 public:
  LineView(const CommandLine& line, std::ostream* out, std::ostream* err)
      : line_(line), out_(*out), err_(*err) {}

  bool Show(const v1::PoolStatus& status) override {
    out_ << (line_.json ? ToJson(status) : PoolLine(status)) << std::endl;
    return out_.good();
  }

  void Lost(const std::string& why) override {
    err_ << "authctl: " << why << "; trying again until it is back" << std::endl;
  }

  void Back() override { err_ << "authctl: " << line_.channel.target << " is back" << std::endl; }

 private:
  const CommandLine& line_;
  std::ostream& out_;
  std::ostream& err_;
};

}  // namespace

std::unique_ptr<PoolView> MakeLineView(const CommandLine& line, std::ostream* out,
                                       std::ostream* err) {
  return std::make_unique<LineView>(line, out, err);
}

}  // namespace auth::authctl
