#include "server/rpc/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

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

X509Ptr ReadCertificate(const std::string& path) {
  const BioPtr file(BIO_new_file(path.c_str(), "r"));
  if (file == nullptr) return nullptr;
  return X509Ptr(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
}

KeyPtr ReadKey(const std::string& path) {
  const BioPtr file(BIO_new_file(path.c_str(), "r"));
  if (file == nullptr) return nullptr;
  // An encrypted key must not make OpenSSL ask for its password on the terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  return KeyPtr(PEM_read_bio_PrivateKey(file.get(), nullptr, no_password, nullptr));
}

}  // namespace

absl::Status CheckTlsFiles(const TlsFiles& files) {
  if (files.cert.empty() || files.key.empty()) {
    return absl::InvalidArgumentError(
        "TLS is configured by half: set both --tls-cert and --tls-key (and --tls-client-ca only "
        "beside them), or none");
  }
  const X509Ptr certificate = ReadCertificate(files.cert);
  if (certificate == nullptr) return Unreadable("--tls-cert", files.cert, "certificate");
  const KeyPtr key = ReadKey(files.key);
  if (key == nullptr) return Unreadable("--tls-key", files.key, "private key without a password");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(absl::StrCat("the key of --tls-key=", files.key,
                                                   " does not belong to the certificate of "
                                                   "--tls-cert=",
                                                   files.cert, ": give the two of one pair"));
  }
  if (!files.client_ca.empty() && ReadCertificate(files.client_ca) == nullptr) {
    return Unreadable("--tls-client-ca", files.client_ca, "certificate");
  }
  return absl::OkStatus();
}

}  // namespace auth::rpc
