#include "server/rpc/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace auth::rpc {
namespace {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Free<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Free<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

absl::Status Unreadable(const char* flag, const std::string& path, const char* content) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(flag, "=", path, " holds no readable PEM ",
                                                 content,
                                                 ": check the path, the permissions and the file"));
}

// Empty if it cannot be read.
std::string ContentOf(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();  // nothing, if it is a directory
  return std::move(content).str();
}

BioPtr Reader(const std::string& pem) {
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// The first of a file's certificates; nullptr unless all can be read to the end of the file, which
// may be cut short while it is being written.
X509Ptr ReadCertificates(const std::string& pem) {
  const BioPtr reader = Reader(pem);
  X509Ptr first(PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr));
  if (first == nullptr) return nullptr;
  while (X509Ptr(PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)) != nullptr) {
  }
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  return ended ? std::move(first) : nullptr;
}

KeyPtr ReadKey(const std::string& pem) {
  // An encrypted key must not make OpenSSL ask for its password on the terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  return KeyPtr(PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, no_password, nullptr));
}

WallTime NotAfter(const X509& certificate) {
  std::tm time{};
  ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &time);
  return std::chrono::system_clock::from_time_t(timegm(&time));
}

}  // namespace

absl::StatusOr<TlsMaterial> ReadTlsFiles(const TlsFiles& files) {
  if (files.cert.empty() || files.key.empty()) {
    return absl::InvalidArgumentError(
        "TLS is configured by half: set both --tls-cert and --tls-key (and --tls-client-ca only "
        "beside them), or none");
  }
  TlsMaterial material;
  const std::string chain = ContentOf(files.cert);
  const X509Ptr certificate = ReadCertificates(chain);
  if (certificate == nullptr) return Unreadable("--tls-cert", files.cert, "certificate");
  const std::string key_pem = ContentOf(files.key);
  const KeyPtr key = ReadKey(key_pem);
  if (key == nullptr) return Unreadable("--tls-key", files.key, "private key without a password");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(absl::StrCat("the key of --tls-key=", files.key,
                                                   " does not belong to the certificate of "
                                                   "--tls-cert=",
                                                   files.cert, ": give the two of one pair"));
  }
  if (!files.client_ca.empty()) {
    material.client_ca = ContentOf(files.client_ca);
    if (ReadCertificates(material.client_ca) == nullptr) {
      return Unreadable("--tls-client-ca", files.client_ca, "certificate");
    }
  }
  material.identity = absl::StrCat(chain, "\n", key_pem);
  material.not_after = NotAfter(*certificate);
  return material;
}

}  // namespace auth::rpc
