#include "server/rpc/tls_reloader.h"

#include <pthread.h>

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
      clock_(clock),
      in_force_(std::move(material)),
      identity_(std::move(identity)),
      client_ca_(std::move(client_ca)),
      thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "tls-reloader");
}

TlsReloader::~TlsReloader() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    stopped_.NotifyAll();
  }
  thread_.join();
}

void TlsReloader::Run() {
  for (;;) {
    {
      const MonotonicTime next = clock_->Monotonic() + kLookEvery;
      MutexLock lock(&mutex_);
      while (!stopping_ && clock_->Monotonic() < next) clock_->WaitUntil(next, &stopped_, &mutex_);
      if (stopping_) return;
    }
    Look();
  }
}

void TlsReloader::Look() {
  absl::StatusOr<TlsMaterial> material = ReadTlsFiles(files_);
  absl::Status status = material.status();
  if (status.ok() && *material == in_force_) {
    told_.clear();
    return;
  }
  if (status.ok()) status = Use(*material);
  if (status.ok()) {
    in_force_ = *std::move(material);
    told_.clear();
    return on_change_(in_force_.not_after);
  }
  // The same, a second later, is no news.
  if (const std::string message(status.message()); message != std::exchange(told_, message)) {
    on_change_(status);
  }
}

absl::Status TlsReloader::Use(const TlsMaterial& material) {
  absl::Status status = client_ca_.Replace(material.client_ca);
  status.Update(identity_.Replace(material.identity));
  return status;
}

}  // namespace auth::rpc
