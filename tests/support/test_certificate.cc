#include "tests/support/test_certificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <functional>
#include <memory>

namespace auth::testing {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

std::string ToPem(const std::function<int(BIO*)>& write) {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  write(bio.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);  // NOLINT(runtime/int): OpenSSL's type
  return std::string(data, static_cast<size_t>(size));
}

Bio Reader(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
}

void AddExtension(X509* certificate, int id, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str()), X509_EXTENSION_free);
  X509_add_ext(certificate, extension.get(), -1);
}

void SetRandomSerial(X509* certificate) {
  uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial);
}

Key NewKey() { return Key(EVP_EC_gen("P-256"), EVP_PKEY_free); }

TestCertificate Make(const Key& key, const std::string& name, const std::string& hosts,
                     const TestCertificate* issuer) {
  const X509Ptr certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  SetRandomSerial(certificate.get());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  AddExtension(certificate.get(), NID_basic_constraints,
               issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
  AddExtension(certificate.get(), NID_subject_alt_name, hosts);
  if (issuer == nullptr) {
    X509_set_issuer_name(certificate.get(), subject);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
  } else {
    const X509Ptr signer(
        PEM_read_bio_X509(Reader(issuer->certificate).get(), nullptr, nullptr, nullptr), X509_free);
    const Key signing_key(
        PEM_read_bio_PrivateKey(Reader(issuer->key).get(), nullptr, nullptr, nullptr),
        EVP_PKEY_free);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer.get()));
    X509_sign(certificate.get(), signing_key.get(), EVP_sha256());
  }
  return {
      .certificate = ToPem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); }),
      .key = ToPem([&](BIO* bio) {
        return PEM_write_bio_PKCS8PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
      })};
}

}  // namespace

TestCertificate MakeSelfSignedCertificate(const std::string& name, const std::string& hosts) {
  return Make(NewKey(), name, hosts, nullptr);
}

TestCertificate MakeWeakCertificate(const std::string& name) {
  return Make(Key(EVP_RSA_gen(512), EVP_PKEY_free), name, "DNS:localhost", nullptr);
}

TestCertificate MakeCertificate(const std::string& name, const std::string& hosts,
                                const TestCertificate& issuer) {
  return Make(NewKey(), name, hosts, &issuer);
}

}  // namespace auth::testing
