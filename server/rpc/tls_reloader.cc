#include "server/rpc/tls_reloader.h"

#include <chrono>
#include <utility>

namespace auth::rpc {
namespace {

// Between two looks. They cost a few microseconds, and certificates are renewed days before they
// expire.
constexpr std::chrono::seconds kLookEvery(1);

}  // namespace

absl::StatusOr<std::unique_ptr<TlsReloader>> TlsReloader::Start(const TlsFiles& files,
                                                                OnChange on_change,
                                                                const Clock* clock) {
  absl::StatusOr<TlsMaterial> material = ReadTlsFiles(files);
  if (!material.ok()) return material.status();
  absl::StatusOr<MemoryFile> identity = MemoryFile::Create(material->identity);
  if (!identity.ok()) return identity.status();
  absl::StatusOr<MemoryFile> client_ca = MemoryFile::Create(material->client_ca);
  if (!client_ca.ok()) return client_ca.status();
  on_change(material->not_after);
  return std::unique_ptr<TlsReloader>(new TlsReloader(files, std::move(on_change), clock,
                                                      *std::move(material), *std::move(identity),
                                                      *std::move(client_ca)));
}

TlsReloader::TlsReloader(TlsFiles files, OnChange on_change, const Clock* clock,
                         TlsMaterial material, MemoryFile identity, MemoryFile client_ca)
    : files_(std::move(files)),
      on_change_(std::move(on_change)),
      in_force_(std::move(material)),
      seen_(in_force_),
      told_(in_force_),
      identity_(std::move(identity)),
      client_ca_(std::move(client_ca)),
      looking_(
          "tls-reloader", kLookEvery, [this] { Look(); }, clock) {}

void TlsReloader::Look() {
  absl::StatusOr<TlsMaterial> found = ReadTlsFiles(files_);
  const bool settled = found == seen_;
  seen_ = found;
  if (!settled) return;
  if (found.ok() && *found != in_force_) {
    if (absl::Status used = Use(*found); !used.ok()) found = std::move(used);
  }
  if (found == told_) return;
  told_ = found;
  found.ok() ? on_change_(found->not_after) : on_change_(found.status());
}

absl::Status TlsReloader::Use(const TlsMaterial& material) {
  if (absl::Status status = client_ca_.Replace(material.client_ca); !status.ok()) return status;
  if (absl::Status status = identity_.Replace(material.identity); !status.ok()) {
    client_ca_.Replace(in_force_.client_ca).IgnoreError();  // tried again at the next look
    return status;
  }
  in_force_ = material;
  return absl::OkStatus();
}

}  // namespace auth::rpc
