#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "pool/mutex.h"

struct pg_conn;

namespace auth::testing {

// A plain libpq connection for looking behind the product's back. Connects at the first use, and
// again after a loss; a statement outside of a transaction that finds its session killed while idle
// is sent again. Thread-safe: one statement at a time. Throws std::runtime_error with the
// server's message, which fails the test.
class SqlConnection {
 public:
  using Row = std::vector<std::optional<std::string>>;

  explicit SqlConnection(std::string url);
  ~SqlConnection();

  // The rows of the last statement of `sql`.
  std::vector<Row> Query(const std::string& sql, const std::vector<std::string>& params = {});
  void Execute(const std::string& sql, const std::vector<std::string>& params = {});
  // The one value of the one row.
  std::string QueryValue(const std::string& sql, const std::vector<std::string>& params = {});

 private:
  struct Closer {
    void operator()(pg_conn* connection) const;
  };

  void EnsureConnected() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string url_;
  Mutex mutex_;
  std::unique_ptr<pg_conn, Closer> connection_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth::testing
