#include "server/rpc/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

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

// All certificates of a file; none unless all can be read to the end of the file, which may be cut
// short while it is being written.
std::vector<X509Ptr> ReadCertificates(const std::string& pem) {
  const BioPtr reader = Reader(pem);
  std::vector<X509Ptr> chain;
  while (X509* const next = PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)) {
    chain.emplace_back(next);
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) chain.clear();
  ERR_clear_error();
  return chain;
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

// As gRPC will use them. The reason if it cannot, e.g. "ee key too small".
std::string WhyTlsRefuses(const std::vector<X509Ptr>& chain, EVP_PKEY* key) {
  const std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>> context(SSL_CTX_new(TLS_method()));
  bool works = SSL_CTX_use_certificate(context.get(), chain.front().get()) == 1;
  for (size_t i = 1; i < chain.size(); ++i) {
    works = works && SSL_CTX_add1_chain_cert(context.get(), chain[i].get()) == 1;
  }
  works = works && SSL_CTX_use_PrivateKey(context.get(), key) == 1;
  if (works) return "";
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "OpenSSL gives no reason" : reason;
}

std::string ToPem(const std::vector<X509Ptr>& chain, EVP_PKEY* key) {
  const BioPtr writer(BIO_new(BIO_s_mem()));
  for (const X509Ptr& certificate : chain) PEM_write_bio_X509(writer.get(), certificate.get());
  PEM_write_bio_PrivateKey(writer.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(writer.get(), &bytes);
  return std::string(bytes, static_cast<size_t>(size));
}

}  // namespace

absl::StatusOr<TlsMaterial> ReadTlsFiles(const TlsFiles& files) {
  if (files.cert.empty() || files.key.empty()) {
    return absl::InvalidArgumentError(
        "TLS is configured by half: set both --tls-cert and --tls-key (and --tls-client-ca only "
        "beside them), or none");
  }
  TlsMaterial material;
  const std::vector<X509Ptr> chain = ReadCertificates(ContentOf(files.cert));
  if (chain.empty()) return Unreadable("--tls-cert", files.cert, "certificate");
  const KeyPtr key = ReadKey(ContentOf(files.key));
  if (key == nullptr) return Unreadable("--tls-key", files.key, "private key without a password");
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(absl::StrCat("the key of --tls-key=", files.key,
                                                   " does not belong to the certificate of "
                                                   "--tls-cert=",
                                                   files.cert, ": give the two of one pair"));
  }
  if (const std::string why = WhyTlsRefuses(chain, key.get()); !why.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("TLS does not take --tls-cert=", files.cert,
                                                   ": ", why, "; use another certificate"));
  }
  if (!files.client_ca.empty()) {
    material.client_ca = ContentOf(files.client_ca);
    if (ReadCertificates(material.client_ca).empty()) {
      return Unreadable("--tls-client-ca", files.client_ca, "certificate");
    }
  }
  material.identity = ToPem(chain, key.get());
  material.not_after = NotAfter(*chain.front());
  return material;
}

}  // namespace auth::rpc
