#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "server/rpc/memory_file.h"
#include "server/rpc/tls_files.h"
#include "server/work/periodic_task.h"

namespace auth::rpc {

// Keeps the server's certificate, its key and the client CA current while it runs. Looks at the
// files once a second, and hands on what they hold when it has changed, can work, and was the same
// at two looks; otherwise what was before stays in force. So half of a rotation is never used, be
// it a new key beside the old certificate or a bundle that is still being written.
//
// Thread-safe. Starts one thread; the destructor joins it. `clock` must outlive it.
class TlsReloader {
 public:
  // Told, on that thread, of each change: until when the certificate that is now in force is good,
  // or why the files that are there now cannot be used, in the words of ReadTlsFiles. The first
  // time within Start, on its thread.
  using OnChange = std::function<void(const absl::StatusOr<WallTime>& not_after)>;

  // INVALID_ARGUMENT as ReadTlsFiles; RESOURCE_EXHAUSTED if the process may open no more files.
  static absl::StatusOr<std::unique_ptr<TlsReloader>> Start(const TlsFiles& files,
                                                            OnChange on_change, const Clock* clock);

  // Where the material in force can be read: TlsMaterial::identity and client_ca. The paths live
  // as long as the object; what is behind them changes, each in one step.
  std::string identity_path() const { return identity_.path(); }
  std::string client_ca_path() const { return client_ca_.path(); }

 private:
  TlsReloader(TlsFiles files, OnChange on_change, const Clock* clock, TlsMaterial material,
              MemoryFile identity, MemoryFile client_ca);
  void Look();
  absl::Status Use(const TlsMaterial& material);

  const TlsFiles files_;
  const OnChange on_change_;
  // Of the thread.
  TlsMaterial in_force_;
  absl::StatusOr<TlsMaterial> seen_;  // at the last look
  absl::StatusOr<TlsMaterial> told_;  // what came of the last change
  MemoryFile identity_;
  MemoryFile client_ca_;
  const work::PeriodicTask looking_;  // last: it uses the rest
};

}  // namespace auth::rpc
