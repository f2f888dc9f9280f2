#include "host/auth/certificates.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "host/auth/auth_test_folder.h"
#include "host/auth/openssl.h"
#include "host/base/file.h"

using namespace novacron::host;
using namespace novacron::host::auth;

namespace {

struct Fixture {
  TestFolder folder;
  TestClock clock;
  CertificateOptions options{folder.path + "/tls", {"api.example.org", "192.0.2.7"}, clock};

  TlsFiles ensure() { return ensure_certificates(options).value(); }
};

X509Ptr read_certificate(const std::string& path) {
  const auto text = read_file(path, 100'000).value();
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  return X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

bool verifies(const TlsFiles& files, const Clock& clock, const char* host) {
  const auto ca = read_certificate(files.ca);
  const auto certificate = read_certificate(files.certificate);
  std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), ca.get());
  std::unique_ptr<X509_STORE_CTX, Deleter<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(clock.real_ns() / 1'000'000'000));
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set1_host(parameters, host, 0);
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  return X509_verify_cert(context.get()) == 1;
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "The certificate verifies against the CA for its names and no others") {
  const auto files = ensure();
  CHECK(verifies(files, clock, "localhost"));
  CHECK(verifies(files, clock, "api.example.org"));
  CHECK_FALSE(verifies(files, clock, "other.example.org"));
  const auto certificate = read_certificate(files.certificate);
  for (const char* address : {"127.0.0.1", "::1", "192.0.2.7"})
    CHECK(X509_check_ip_asc(certificate.get(), address, 0) == 1);
}

TEST_CASE_METHOD(Fixture, "Keys are readable by their owner alone, the CA's certificate by all") {
  const auto files = ensure();
  CHECK(mode_of(options.folder) == 0700);
  CHECK(mode_of(files.key) == 0600);
  CHECK(mode_of(options.folder + "/ca.key") == 0600);
  CHECK(mode_of(files.ca) == 0644);
}

TEST_CASE_METHOD(Fixture, "What is there and still serves is kept") {
  const auto before = read_file(ensure().certificate, 100'000).value();
  CHECK(read_file(ensure().certificate, 100'000).value() == before);
}

TEST_CASE_METHOD(Fixture, "A certificate that ends soon is renewed under the same CA") {
  const auto files = ensure();
  const auto ca = read_file(files.ca, 100'000).value();
  clock.advance_s((kCertificateLifetimeDays - kRenewBeforeDays) * 86'400);
  const auto before = read_file(files.certificate, 100'000).value();
  ensure();
  CHECK(read_file(files.certificate, 100'000).value() != before);
  CHECK(read_file(files.ca, 100'000).value() == ca);
  CHECK(verifies(files, clock, "localhost"));
}

TEST_CASE_METHOD(Fixture, "A new name makes a new certificate") {
  const auto files = ensure();
  CHECK_FALSE(verifies(files, clock, "second.example.org"));
  options.names.push_back("second.example.org");
  ensure();
  CHECK(verifies(files, clock, "second.example.org"));
}

TEST_CASE_METHOD(Fixture, "A damaged certificate is made anew, a damaged CA is refused") {
  const auto files = ensure();
  REQUIRE(write_file(files.certificate, "nonsense", 0600).ok());
  ensure();
  CHECK(verifies(files, clock, "localhost"));
  REQUIRE(write_file(options.folder + "/ca.key", "nonsense", 0600).ok());
  CHECK(ensure_certificates(options).error().reason == "auth.ca");
}

TEST_CASE_METHOD(Fixture, "A name that would smuggle in another is refused") {
  for (const char* name : {"a,DNS:b", "", "a b", "a:1", "*"}) {
    INFO(name);
    options.names = {name};
    CHECK(ensure_certificates(options).error().reason == "auth.name");
  }
}
