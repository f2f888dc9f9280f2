#include "host/auth/certificates.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "host/auth/openssl.h"
#include "host/base/file.h"
#include "host/base/log.h"

namespace novacron::host::auth {
namespace {

constexpr size_t kMaxPemBytes = 64 * 1024;
constexpr uint64_t kSecondsPerDay = 86'400;
constexpr uint64_t kClockSkewSeconds = 300;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

/// A certificate and its key.
struct Pair {
  X509Ptr certificate;
  KeyPtr key;
};

enum class Role { kAuthority, kServer };

struct Subject {
  Role role;
  std::string common_name;
  uint64_t lifetime_days;
  std::vector<std::string> names;  ///< alternative ones, of a server
};

Status add_extension(X509& certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  if (extension == nullptr) return openssl_error("make a certificate's extension");
  const int added = X509_add_ext(&certificate, extension, -1);
  X509_EXTENSION_free(extension);
  if (added != 1) return openssl_error("add a certificate's extension");
  return {};
}

bool is_address(const std::string& name) {
  unsigned char buffer[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, name.c_str(), buffer) == 1 || ::inet_pton(AF_INET6, name.c_str(), buffer) == 1;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string value;
  for (const auto& name : names)
    value += (value.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
  return value;
}

Status add_extensions(X509& certificate, X509* issuer, const Subject& subject) {
  const bool authority = subject.role == Role::kAuthority;
  TRY_STATUS(add_extension(certificate, issuer, NID_basic_constraints,
                           authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE"));
  TRY_STATUS(add_extension(certificate, issuer, NID_key_usage,
                           authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature"));
  TRY_STATUS(add_extension(certificate, issuer, NID_subject_key_identifier, "hash"));
  if (authority) return {};
  TRY_STATUS(add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always"));
  TRY_STATUS(add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth"));
  return add_extension(certificate, issuer, NID_subject_alt_name, alternative_names(subject.names));
}

Status set_serial(X509& certificate) {
  auto bytes = TRY(random_bytes(16));
  bytes[0] = static_cast<char>(bytes[0] & 0x7f);  // positive
  BIGNUM* number =
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr);
  const bool set = number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(&certificate)) != nullptr;
  BN_free(number);
  if (!set) return openssl_error("number a certificate");
  return {};
}

bool set_name(X509& certificate, const std::string& common_name) {
  X509_NAME* name = X509_get_subject_name(&certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1;
}

/// `issuer` null: it signs itself.
Result<Pair> make_pair(const Subject& subject, const Pair* issuer, const Clock& clock) {
  Pair made{X509Ptr(X509_new()), TRY(make_key())};
  X509& certificate = *made.certificate;
  const auto now_s = static_cast<time_t>(clock.real_ns() / kNsPerSecond);
  TRY_STATUS(set_serial(certificate));
  const bool filled =
      X509_set_version(&certificate, X509_VERSION_3) == 1 && set_name(certificate, subject.common_name) &&
      ASN1_TIME_set(X509_getm_notBefore(&certificate), now_s - static_cast<time_t>(kClockSkewSeconds)) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(&certificate),
                    now_s + static_cast<time_t>(subject.lifetime_days * kSecondsPerDay)) != nullptr &&
      X509_set_pubkey(&certificate, made.key.get()) == 1;
  if (!filled) return openssl_error("fill in a certificate");
  X509* signer = issuer != nullptr ? issuer->certificate.get() : &certificate;
  if (X509_set_issuer_name(&certificate, X509_get_subject_name(signer)) != 1) return openssl_error("name the issuer");
  TRY_STATUS(add_extensions(certificate, signer, subject));
  EVP_PKEY* signing_key = issuer != nullptr ? issuer->key.get() : made.key.get();
  if (X509_sign(&certificate, signing_key, EVP_sha256()) == 0) return openssl_error("sign a certificate");
  return made;
}

Result<std::string> certificate_pem(const X509& certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), &certificate) != 1) return openssl_error("encode a certificate");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

Result<Pair> read_pair(const std::string& certificate_file, const std::string& key_file) {
  const auto certificate_text = TRY(read_file(certificate_file, kMaxPemBytes));
  const auto key_text = TRY(read_file(key_file, kMaxPemBytes));
  const BioPtr bio(BIO_new_mem_buf(certificate_text.data(), static_cast<int>(certificate_text.size())));
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate) return openssl_error("read " + certificate_file);
  auto key = TRY(read_private_pem(key_text));
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    return Error{Code::kDataLoss, key_file + " is not the key of " + certificate_file, "auth.key"};
  return Pair{std::move(certificate), std::move(key)};
}

Result<Pair> ensure_authority(const std::string& folder, const Clock& clock) {
  const std::string certificate_file = folder + "/ca.crt";
  const std::string key_file = folder + "/ca.key";
  auto existing = read_pair(certificate_file, key_file);
  if (existing.ok()) return existing;
  if (::access(certificate_file.c_str(), F_OK) == 0) {
    auto error = wrap(std::move(existing).error(), "the certificate authority in " + folder + " cannot be used");
    error.code = Code::kDataLoss;
    error.reason = "auth.ca";
    return error;
  }
  auto made = TRY(make_pair({Role::kAuthority, "NovaCron CA", kCaLifetimeDays, {}}, nullptr, clock));
  const auto key_text = TRY(private_pem(*made.key));
  TRY_STATUS(write_file(key_file, key_text, 0600));
  const auto certificate_text = TRY(certificate_pem(*made.certificate));
  TRY_STATUS(write_file(certificate_file, certificate_text, 0644));
  log_info("auth", "made a certificate authority", {{"certificate", certificate_file}});
  return made;
}

bool has_name(X509& certificate, const std::string& name) {
  if (is_address(name)) return X509_check_ip_asc(&certificate, name.c_str(), 0) == 1;
  return X509_check_host(&certificate, name.c_str(), name.size(), X509_CHECK_FLAG_NO_WILDCARDS, nullptr) == 1;
}

/// Empty: the pair still serves.
std::string why_renew(const Result<Pair>& pair, const Pair& authority, const std::vector<std::string>& names,
                      const Clock& clock) {
  if (!pair.ok()) return pair.error().message;
  X509& certificate = *pair->certificate;
  if (X509_verify(&certificate, authority.key.get()) != 1) {
    ERR_clear_error();
    return "another authority signed it";
  }
  auto limit = static_cast<time_t>(clock.real_ns() / kNsPerSecond + kRenewBeforeDays * kSecondsPerDay);
  if (X509_cmp_time(X509_get0_notAfter(&certificate), &limit) <= 0) return "it ends soon";
  for (const auto& name : names) {
    if (!has_name(certificate, name)) return "it lacks the name " + name;
  }
  return "";
}

std::vector<std::string> all_names(const std::vector<std::string>& configured) {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  char host[HOST_NAME_MAX + 1] = {};
  if (::gethostname(host, sizeof host - 1) == 0 && host[0] != '\0') names.emplace_back(host);
  names.insert(names.end(), configured.begin(), configured.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

/// Names go into OpenSSL's extension syntax, where a comma or a colon would say more than a name.
Status check_names(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    const bool plain =
        !name.empty() && name.size() <= 253 &&
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == std::string::npos;
    if (!plain && !is_address(name))
      return Error{Code::kInvalidArgument, "\"" + name + "\" is neither a host name nor an address", "auth.name"};
  }
  return {};
}

}  // namespace

Result<TlsFiles> ensure_certificates(const CertificateOptions& options) {
  TRY_STATUS(check_names(options.names));
  TRY_STATUS(make_folder(options.folder, 0700));
  const auto authority = TRY(ensure_authority(options.folder, options.clock));
  const TlsFiles files{options.folder + "/ca.crt", options.folder + "/server.crt", options.folder + "/server.key"};
  const auto names = all_names(options.names);
  const auto reason = why_renew(read_pair(files.certificate, files.key), authority, names, options.clock);
  if (reason.empty()) return files;
  const Subject subject{Role::kServer, "NovaCron API", kCertificateLifetimeDays, names};
  const auto made = TRY(make_pair(subject, &authority, options.clock));
  const auto key_text = TRY(private_pem(*made.key));
  TRY_STATUS(write_file(files.key, key_text, 0600));
  const auto chain = TRY(certificate_pem(*made.certificate)) + TRY(certificate_pem(*authority.certificate));
  TRY_STATUS(write_file(files.certificate, chain, 0600));
  log_info("auth", "made a certificate", {{"certificate", files.certificate}, {"why", reason}});
  return files;
}

}  // namespace novacron::host::auth
