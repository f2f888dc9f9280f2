#include "host/cluster/tls_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace novacron::host::cluster {
namespace {

constexpr size_t kReadBytes = 64 * 1'024;
constexpr int kBacklog = 64;
constexpr int kKeepaliveS = 5;
constexpr unsigned kUnansweredMs = 10'000;

Error tls_error(std::string_view what, Code code = Code::kUnavailable, std::string reason = "link.tls") {
  char text[256] = "the other end closed the connection";
  if (const unsigned long error = ERR_get_error(); error != 0) ERR_error_string_n(error, text, sizeof text);
  ERR_clear_error();
  return {code, std::string(what) + ": " + text, std::move(reason)};
}

Error bad_file(const std::string& file) {
  return tls_error("the file " + file + " is of no use for links between nodes", Code::kInvalidArgument,
                   "link.certificate");
}

std::string name_of(raft::NodeId node) {
  return "node-" + std::to_string(node);
}

struct InfoDeleter {
  void operator()(addrinfo* info) const { ::freeaddrinfo(info); }
};
using InfoPtr = std::unique_ptr<addrinfo, InfoDeleter>;

Result<InfoPtr> resolve(const std::string& address, int flags) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return Error{Code::kInvalidArgument, "\"" + address + "\" is no address: write host:port", "link.address"};
  std::string host = address.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &wanted, &found);
  if (failed == 0) return InfoPtr(found);
  return Error{Code::kUnavailable, "the address " + address + ": " + ::gai_strerror(failed), "link.address"};
}

Result<Fd> socket_for(const addrinfo& info, int flags) {
  Fd socket(::socket(info.ai_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!socket) return errno_error("make a socket", errno);
  return socket;
}

void set(int socket, int level, int option, int value) {
  (void)::setsockopt(socket, level, option, &value, sizeof value);
}

void set_timeout(int socket, int option, int timeout_ms) {
  const timeval timeout{timeout_ms / 1'000, timeout_ms % 1'000 * 1'000};
  (void)::setsockopt(socket, SOL_SOCKET, option, &timeout, sizeof timeout);
}

/// Small messages go at once, and who is gone is noticed.
void prepare(int socket) {
  set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, kKeepaliveS);
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveS);
  set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, kUnansweredMs);
  set_timeout(socket, SO_RCVTIMEO, kHandshakeTimeoutMs);
  set_timeout(socket, SO_SNDTIMEO, kWriteTimeoutMs);
}

}  // namespace

Result<ContextPtr> make_context(const LinkFiles& files) {
  ContextPtr context(SSL_CTX_new(TLS_method()));
  if (!context) return tls_error("make a TLS context", Code::kInternal);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_num_tickets(context.get(), 0);  // a client of ours never reads
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  if (SSL_CTX_load_verify_file(context.get(), files.ca.c_str()) != 1) return bad_file(files.ca);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1)
    return bad_file(files.certificate);
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1)
    return bad_file(files.key);
  return context;
}

Result<Fd> listen_on(const std::string& address) {
  const InfoPtr info = TRY(resolve(address, AI_PASSIVE));
  Fd socket = TRY(socket_for(*info, 0));
  set(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(socket.get(), info->ai_addr, info->ai_addrlen) != 0 || ::listen(socket.get(), kBacklog) != 0)
    return errno_error("listen on " + address, errno);
  return socket;
}

Result<std::string> address_of(const Fd& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return errno_error("ask for a socket's address", errno);
  if (::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return Error{Code::kInternal, "a socket's address cannot be read"};
  const bool is_v6 = address.ss_family == AF_INET6;
  return (is_v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + port;
}

Result<Fd> connect_to(const std::string& address) {
  const InfoPtr info = TRY(resolve(address, 0));
  Fd socket = TRY(socket_for(*info, SOCK_NONBLOCK));
  if (::connect(socket.get(), info->ai_addr, info->ai_addrlen) != 0 && errno != EINPROGRESS)
    return errno_error("connect to " + address, errno);
  pollfd waiting{socket.get(), POLLOUT, 0};
  if (::poll(&waiting, 1, kConnectTimeoutMs) != 1)
    return Error{Code::kUnavailable, "connect to " + address + ": no answer", "link.connect"};
  int failed = 0;
  socklen_t size = sizeof failed;
  (void)::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed != 0) return errno_error("connect to " + address, failed);
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) return errno_error("fcntl", errno);
  return socket;
}

Result<std::unique_ptr<TlsSocket>> TlsSocket::open(SSL_CTX& context, Fd socket, End end, raft::NodeId peer) {
  prepare(socket.get());
  std::unique_ptr<TlsSocket> made(new TlsSocket(std::move(socket)));
  made->ssl_.reset(SSL_new(&context));
  SSL* const ssl = made->ssl_.get();
  if (ssl == nullptr || SSL_set_fd(ssl, made->socket_.get()) != 1) return tls_error("prepare TLS", Code::kInternal);
  if (end == End::kClient) {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_WILDCARDS);
    SSL_set1_host(ssl, name_of(peer).c_str());
  }
  if ((end == End::kClient ? SSL_connect(ssl) : SSL_accept(ssl)) != 1)
    return tls_error("agree with another node on TLS", Code::kUnauthenticated, "link.peer");
  made->buffer_.resize(kReadBytes);
  return made;
}

bool TlsSocket::is(raft::NodeId node) const {
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  const std::string name = name_of(node);
  return certificate != nullptr &&
         X509_check_host(certificate, name.data(), name.size(), X509_CHECK_FLAG_NO_WILDCARDS, nullptr) == 1;
}

Status TlsSocket::write(std::string_view bytes) {
  while (!bytes.empty()) {
    size_t written = 0;
    if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) != 1) return tls_error("write to another node");
    bytes.remove_prefix(written);
  }
  return {};
}

Result<std::string_view> TlsSocket::read() {
  size_t got = 0;
  if (SSL_read_ex(ssl_.get(), buffer_.data(), buffer_.size(), &got) != 1) return tls_error("read from another node");
  return std::string_view(buffer_).substr(0, got);
}

void TlsSocket::wait_without_limit() {
  set_timeout(socket_.get(), SO_RCVTIMEO, 0);
}

void TlsSocket::shut() {
  (void)::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace novacron::host::cluster
