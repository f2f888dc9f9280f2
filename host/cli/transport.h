// HTTP/1.1 and WebSocket to one host: over TLS with its certificate verified, over a Unix socket, or in the clear to
// this machine. Every wait has a deadline.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/result.h"
#include "host/cli/url.h"

namespace novacron::host::cli {

inline constexpr uint64_t kConnectTimeoutMs = 10'000;
inline constexpr uint64_t kDefaultRequestTimeoutMs = 60'000;
inline constexpr int kMaxAttempts = 4;
inline constexpr size_t kMaxResponseBytes = 64u << 20;
inline constexpr size_t kMaxLineBytes = 4u << 20;

/// Reasons of errors of the way to the host.
inline constexpr const char* kUnreachableReason = "cli.unreachable";
inline constexpr const char* kCertificateReason = "cli.certificate";

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "GET";
  std::string target;  ///< path and query
  Headers headers = {};
  std::string body = {};
  std::string body_file = {};  ///< if set, the body is this file's content
  uint64_t timeout_ms = kDefaultRequestTimeoutMs;
  int max_attempts = kMaxAttempts;  ///< by who repeats requests; the transport sends once
};

struct HttpResponse {
  unsigned status = 0;
  Headers headers = {};
  std::string body = {};

  /// The first one, whatever its case; "" if there is none.
  std::string header(std::string_view name) const;
};

/// Whether to go on.
enum class Flow { kContinue, kStop };

struct TerminalSession {
  std::string target;
  Headers headers = {};
  int input_fd = -1;        ///< -1: nothing is sent
  uint64_t timeout_ms = 0;  ///< 0: none, it lasts as long as both sides want
  /// What was typed; what remains is sent. kStop ends the session.
  std::function<Flow(std::string& input)> on_input = {};
  std::function<Flow(std::string_view output)> on_output = {};
};

/// [one thread] at a time. Functions block until their deadline at most; UNAVAILABLE if the host is not reached (with
/// kUnreachableReason or kCertificateReason), DEADLINE_EXCEEDED if it does not answer in time. A response of any status
/// is a success here.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Result<HttpResponse> send(const HttpRequest& request) = 0;
  /// Gives the body of a 2xx response by lines until it ends or the sink stops it; `timeout_ms` limits the time between
  /// two lines. The body of another response is in the result.
  virtual Result<HttpResponse> stream_lines(const HttpRequest& request,
                                            const std::function<Flow(std::string_view line)>& sink) = 0;
  /// A WebSocket with binary frames. A response is given when the host refuses to upgrade, else its status is 101.
  virtual Result<HttpResponse> terminal(const TerminalSession& session) = 0;
};

struct TlsOptions {
  std::string ca_pem;  ///< empty: the system's authorities
};

std::unique_ptr<Transport> make_transport(Endpoint endpoint, TlsOptions tls);

}  // namespace novacron::host::cli
