#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/rpc/prepared_call.h"

namespace auth::rpc {

// The unary RPCs by their full names, for protocols that dispatch by descriptor and have no code of
// their own for each.
//
//   CallTable table;
//   table.Add<v1::RegisterRequest, v1::RegisterResponse>("auth.v1.AuthService/Register", &calls);
//   const CallTable::Method* method = table.Find("auth.v1.AuthService/Register");
class CallTable {
 public:
  struct Method {
    // Empty messages to be copied.
    const google::protobuf::Message* request;
    const google::protobuf::Message* response;
    // As AuthCalls::Prepare; the messages must be of those types.
    std::function<PreparedCall(google::protobuf::Message* request,
                               google::protobuf::Message* response)>
        prepare;
  };

  // `calls` has a Prepare for these types, and must outlive the table.
  template <typename Request, typename Response, typename Calls>
  void Add(std::string name, const Calls* calls) {
    methods_.emplace(
        std::move(name),
        Method{&Request::default_instance(), &Response::default_instance(),
               [calls](google::protobuf::Message* request, google::protobuf::Message* response) {
                 return calls->Prepare(static_cast<Request*>(request),
                                       static_cast<Response*>(response));
               }});
  }

  // nullptr if there is none.
  const Method* Find(std::string_view name) const {
    const auto found = methods_.find(name);
    return found == methods_.end() ? nullptr : &found->second;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, method] : methods_) names.push_back(name);
    return names;
  }

 private:
  std::map<std::string, Method, std::less<>> methods_;
};

}  // namespace auth::rpc
