#include "tests/support/history_checker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace auth::testing {
namespace {

struct StoredUser {
  std::string email_key;
  std::string request_id;
  bool has_credential = false;
  int sessions = 0;
  int events = 0;
};

struct Database {
  std::map<std::string, StoredUser> users;            // by id
  std::multimap<std::string, std::string> by_email;   // e-mail key → id
  std::map<std::string, std::string> session_owners;  // session → user
  std::vector<std::string> orphans;                   // sessions and events without a user
  std::set<std::string> duplicate_ids;
};

Database Read(SqlConnection& connection) {
  Database database;
  for (const SqlConnection::Row& row :
       connection.Query("SELECT id, email_key, coalesce(request_id::text, ''), password_hash <> '' "
                        "FROM users")) {
    const std::string& id = *row[0];
    if (database.users.count(id) > 0) database.duplicate_ids.insert(id);
    database.users[id] = {*row[1], *row[2], row[3] == "t"};
    database.by_email.emplace(*row[1], id);
  }
  for (const SqlConnection::Row& row : connection.Query("SELECT id, user_id FROM sessions")) {
    database.session_owners[*row[0]] = *row[1];
    const auto owner = database.users.find(*row[1]);
    if (owner == database.users.end()) {
      database.orphans.push_back(absl::StrCat("session ", *row[0], " has no user ", *row[1]));
    } else {
      ++owner->second.sessions;
    }
  }
  for (const SqlConnection::Row& row :
       connection.Query("SELECT id, user_id FROM events WHERE kind = 'user.registered'")) {
    const auto owner = database.users.find(*row[1]);
    if (owner == database.users.end()) {
      database.orphans.push_back(absl::StrCat("event ", *row[0], " has no user ", *row[1]));
    } else {
      ++owner->second.events;
    }
  }
  return database;
}

// Whether `call` may be the one that stored `user`, going by what both say.
bool MayHaveMade(const RegisterCall& call, const std::string& id, const StoredUser& user) {
  if (call.outcome != RegisterOutcome::kOk && call.outcome != RegisterOutcome::kUnknown) {
    return false;
  }
  if (call.email_key != user.email_key || call.request_id != user.request_id) return false;
  return call.outcome == RegisterOutcome::kUnknown || call.user_id == id;
}

class Checker {
 public:
  Checker(const std::vector<RegisterCall>& calls, const std::set<std::string>& signed_in,
          const std::set<std::string>& signed_out, const std::set<std::string>& maybe_signed_out,
          const std::set<std::string>& ignored, Database database)
      : signed_in_(signed_in),
        signed_out_(signed_out),
        maybe_signed_out_(maybe_signed_out),
        ignored_(ignored),
        database_(std::move(database)) {
    for (const RegisterCall& call : calls) {
      calls_by_email_[call.email_key].push_back(&call);
      if (!call.session_id.empty()) session_users_[call.session_id] = call.user_id;
    }
    for (const auto& [id, user] : database_.users) {
      if (!user.request_id.empty()) request_ids_.insert(user.request_id);
    }
  }

  std::vector<std::string> Run(const std::vector<RegisterCall>& calls) {
    for (const RegisterCall& call : calls) {
      switch (call.outcome) {
        case RegisterOutcome::kOk:
          CheckOk(call);
          break;
        case RegisterOutcome::kAlreadyExists:
          CheckAlreadyExists(call);
          break;
        case RegisterOutcome::kRequestIdConflict:
          CheckRequestIdConflict(call);
          break;
        case RegisterOutcome::kUnknown:
        case RegisterOutcome::kNoTrace:
          break;
      }
    }
    for (const auto& [id, user] : database_.users) {
      if (ignored_.count(id) == 0) CheckUser(id, user);
    }
    for (const auto& [session, owner] : database_.session_owners) CheckSession(session, owner);
    for (const std::string& id : database_.duplicate_ids) Add("I1: user ", id, " exists twice");
    for (const std::string& orphan : database_.orphans) Add("I4: ", orphan);
    for (const std::string& session : signed_out_) {
      if (database_.session_owners.count(session) > 0) {
        Add("I7: session ", session, " was ended, but is there");
      }
    }
    return std::move(violations_);
  }

 private:
  template <typename... Parts>
  void Add(const Parts&... parts) {
    violations_.push_back(absl::StrCat(parts...));
  }

  void CheckOk(const RegisterCall& call) {
    const std::string who = absl::StrCat("operation ", call.operation, " (", call.email_key, ")");
    const auto [first, is_new] = users_of_operations_.emplace(call.operation, call.user_id);
    if (!is_new && first->second != call.user_id) {
      Add("I5: ", who, " was told OK with user ", call.user_id, " and with ", first->second);
    }
    const auto [owner, is_first] = operations_of_users_.emplace(call.user_id, call.operation);
    if (!is_first && owner->second != call.operation) {
      Add("I1: ", who, " was given user ", call.user_id, " of operation ", owner->second);
    }
    const auto user = database_.users.find(call.user_id);
    if (user == database_.users.end()) {
      Add("I1: ", who, " was told OK, but user ", call.user_id, " does not exist");
      return;
    }
    if (user->second.email_key != call.email_key) {
      Add("I1: ", who, " was told OK, but user ", call.user_id, " has the e-mail key ",
          user->second.email_key);
    }
    if (user->second.request_id != call.request_id) {
      Add("I1: ", who, " was told OK, but user ", call.user_id, " has the request_id '",
          user->second.request_id, "'");
    }
    const auto session = database_.session_owners.find(call.session_id);
    if (session == database_.session_owners.end()) {
      if (!MayBeGone(call.session_id)) {
        Add("I1: ", who, " was told OK, but session ", call.session_id, " does not exist");
      }
    } else if (session->second != call.user_id) {
      Add("I1: ", who, " was given session ", call.session_id, ", which is of user ",
          session->second);
    }
  }

  void CheckAlreadyExists(const RegisterCall& call) {
    const auto [begin, end] = database_.by_email.equal_range(call.email_key);
    for (auto it = begin; it != end; ++it) {
      if (ignored_.count(it->second) > 0 || MadeByOther(call, it->second)) return;
    }
    Add("I3: operation ", call.operation, " (", call.email_key, ") was told ALREADY_EXISTS, but ",
        begin == end ? "nobody has that e-mail" : "the user with that e-mail is its own");
  }

  bool MadeByOther(const RegisterCall& call, const std::string& id) const {
    const StoredUser& user = database_.users.at(id);
    const std::vector<const RegisterCall*>& rivals = calls_by_email_.at(call.email_key);
    return std::any_of(rivals.begin(), rivals.end(), [&](const RegisterCall* rival) {
      return rival->operation != call.operation && MayHaveMade(*rival, id, user);
    });
  }

  void CheckRequestIdConflict(const RegisterCall& call) {
    if (request_ids_.count(call.request_id) == 0) {
      Add("I3: operation ", call.operation, " (", call.email_key,
          ") was told REQUEST_ID_CONFLICT, but nobody has the request_id ", call.request_id);
    }
  }

  void CheckUser(const std::string& id, const StoredUser& user) {
    const std::string who = absl::StrCat("user ", id, " (", user.email_key, ")");
    const auto calls = calls_by_email_.find(user.email_key);
    if (calls == calls_by_email_.end()) {
      Add("I2: nobody tried to register ", who);
    } else if (std::none_of(
                   calls->second.begin(), calls->second.end(),
                   [&](const RegisterCall* call) { return MayHaveMade(*call, id, user); })) {
      Add("I6: ", who, " exists, but every call that may have made it was told otherwise");
    }
    if (database_.by_email.count(user.email_key) > 1) {
      Add("I2: ", who, " shares its e-mail key with another user");
    }
    if (!user.has_credential) Add("I4: ", who, " has no credential");
    if (user.sessions == 0 && !MayHaveSignedOut(id)) Add("I4: ", who, " has no session");
    if (user.events == 0) Add("I4: ", who, " has no event");
    if (user.events > 1) Add("I1: ", who, " has ", user.events, " events");
  }

  // Of a user whom somebody was told of. Whoever got no answer may own it all the same.
  void CheckSession(const std::string& session, const std::string& owner) {
    if (operations_of_users_.count(owner) == 0) return;
    if (session_users_.count(session) > 0 || signed_in_.count(session) > 0) return;
    const auto user = database_.users.find(owner);
    if (user == database_.users.end()) return;
    const auto calls = calls_by_email_.find(user->second.email_key);
    const bool in_doubt =
        calls != calls_by_email_.end() &&
        std::any_of(calls->second.begin(), calls->second.end(), [](const RegisterCall* call) {
          return call->outcome == RegisterOutcome::kUnknown;
        });
    if (!in_doubt) Add("I1: user ", owner, " has session ", session, ", which nobody was given");
  }

  bool MayBeGone(const std::string& session) const {
    return signed_out_.count(session) > 0 || maybe_signed_out_.count(session) > 0;
  }

  bool MayHaveSignedOut(const std::string& user_id) const {
    return std::any_of(session_users_.begin(), session_users_.end(), [&](const auto& entry) {
      const auto& [session, owner] = entry;
      return owner == user_id && MayBeGone(session);
    });
  }

  const std::set<std::string>& signed_in_;
  const std::set<std::string>& signed_out_;
  const std::set<std::string>& maybe_signed_out_;
  const std::set<std::string>& ignored_;
  const Database database_;
  std::map<std::string, std::vector<const RegisterCall*>> calls_by_email_;
  std::map<std::string, std::string> session_users_;
  std::set<std::string> request_ids_;
  std::map<int64_t, std::string> users_of_operations_;
  std::map<std::string, int64_t> operations_of_users_;
  std::vector<std::string> violations_;
};

}  // namespace

void HistoryChecker::Record(const RegisterCall& call) {
  MutexLock lock(&mutex_);
  calls_.push_back(call);
}

void HistoryChecker::RecordSignIn(const std::string& session_id) {
  MutexLock lock(&mutex_);
  signed_in_.insert(session_id);
}

void HistoryChecker::RecordSignOut(const std::string& session_id) {
  MutexLock lock(&mutex_);
  signed_out_.insert(session_id);
}

void HistoryChecker::RecordSignOutInDoubt(const std::string& session_id) {
  MutexLock lock(&mutex_);
  maybe_signed_out_.insert(session_id);
}

void HistoryChecker::IgnoreExisting(SqlConnection& database) {
  const std::vector<SqlConnection::Row> rows = database.Query("SELECT id FROM users");
  MutexLock lock(&mutex_);
  for (const SqlConnection::Row& row : rows) ignored_users_.insert(*row[0]);
}

std::vector<std::string> HistoryChecker::Check(SqlConnection& database) const {
  Database stored = Read(database);
  MutexLock lock(&mutex_);
  return Checker(calls_, signed_in_, signed_out_, maybe_signed_out_, ignored_users_,
                 std::move(stored))
      .Run(calls_);
}

}  // namespace auth::testing
