// The host's own certificate authority and the certificate of its API, made when they are first needed.
#pragma once

#include <string>
#include <vector>

#include "host/base/clock.h"
#include "host/base/result.h"

namespace novacron::host::auth {

inline constexpr uint64_t kCaLifetimeDays = 3'650;
inline constexpr uint64_t kCertificateLifetimeDays = 397;
inline constexpr uint64_t kRenewBeforeDays = 30;

struct CertificateOptions {
  std::string folder;                   ///< made with mode 0700 if absent
  std::vector<std::string> names = {};  ///< host names and addresses besides localhost's and the machine's own
  const Clock& clock = system_clock();
};

/// Paths of PEM files.
struct TlsFiles {
  std::string ca;           ///< for clients to verify with; readable by all
  std::string certificate;  ///< the server's, followed by the CA's
  std::string key;          ///< mode 0600
};

/// Makes what is missing. The server's certificate is made anew when it ends within kRenewBeforeDays, lacks one of the
/// names, or does not fit the CA or its key; the CA is never replaced. DATA_LOSS "auth.ca" for a CA that cannot be
/// read: removing its files makes a new one, which every client must then be told of.
Result<TlsFiles> ensure_certificates(const CertificateOptions& options);

}  // namespace novacron::host::auth
