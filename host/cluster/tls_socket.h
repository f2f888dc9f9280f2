// A TCP connection between two nodes with TLS 1.3, in which both have proven who they are. Blocking, each wait with a
// limit.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "host/base/fd.h"
#include "host/base/result.h"
#include "host/raft/types.h"

namespace novacron::host::cluster {

constexpr int kConnectTimeoutMs = 2'000;
constexpr int kHandshakeTimeoutMs = 5'000;  ///< each read and write of it
constexpr int kWriteTimeoutMs = 5'000;

/// PEM files. The certificate names its node: DNS "node-<number>"; `ca` signs those of all nodes and nothing else.
struct LinkFiles {
  std::string ca;
  std::string certificate;
  std::string key;
};

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, ContextDeleter>;

/// For both ends. INVALID_ARGUMENT "link.certificate" names the file.
Result<ContextPtr> make_context(const LinkFiles& files);

/// "host:port" or "[address]:port"; port 0: any free one.
Result<Fd> listen_on(const std::string& address);
Result<std::string> address_of(const Fd& socket);
Result<Fd> connect_to(const std::string& address);

/// One thread; shut() is for any.
class TlsSocket final {
 public:
  enum class End { kClient, kServer };
  /// UNAUTHENTICATED "link.peer": the other end has no certificate of ours; as a client, or not that of `peer`.
  static Result<std::unique_ptr<TlsSocket>> open(SSL_CTX& context, Fd socket, End end, raft::NodeId peer);

  /// The other end's certificate is that of this node.
  bool is(raft::NodeId node) const;
  Status write(std::string_view bytes);
  /// What is there, at least a byte. UNAVAILABLE: it has ended.
  Result<std::string_view> read();
  /// From here on a read may last: who is gone is noticed by the kernel.
  void wait_without_limit();
  /// Ends what is waiting in read() and write().
  void shut();

 private:
  explicit TlsSocket(Fd socket) : socket_(std::move(socket)) {}

  const Fd socket_;
  std::unique_ptr<SSL, SslDeleter> ssl_;
  std::string buffer_;
};

}  // namespace novacron::host::cluster
