#include "host/api/server.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <thread>

#include "host/api/session.h"
#include "host/base/log.h"

namespace novacron::host::api {
namespace {

using asio::awaitable;
using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

constexpr size_t kThreads = 2;
constexpr int kBacklog = 512;
constexpr uint64_t kNoDescriptorsMs = 100;
constexpr uint64_t kKillMs = 10'000;

struct Address {
  std::string host;
  std::string port;
};

Error cannot_listen(const std::string& address, const std::string& why) {
  return {Code::kUnavailable, "cannot listen on " + address + ": " + why, "api.listen"};
}

/// "127.0.0.1:8443" or "[::1]:8443".
Result<asio::ip::tcp::endpoint> parse_address(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return cannot_listen(text, "it is not <address>:<port>");
  std::string host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  ErrorCode failure;
  const auto address = asio::ip::make_address(host, failure);
  const std::string port = text.substr(colon + 1);
  const bool is_number = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (failure || !is_number || std::stoul(port) > 65'535) return cannot_listen(text, "it is not <IP address>:<port>");
  return asio::ip::tcp::endpoint(address, static_cast<uint16_t>(std::stoul(port)));
}

std::string to_text(const asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

Result<Fd> listen_on(const asio::ip::tcp::endpoint& endpoint) {
  Fd socket(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (endpoint.address().is_v6()) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (!socket || ::bind(socket.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
      ::listen(socket.get(), kBacklog) != 0)
    return cannot_listen(to_text(endpoint), errno_error("", errno).message.substr(2));
  return socket;
}

/// What a listening stream socket listens on: AF_INET, AF_INET6 or AF_UNIX.
Result<int> listening_family(const Fd& socket) {
  const auto option = [&](int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(socket.get(), SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  const int family = option(SO_DOMAIN);
  const bool fits = family == AF_INET || family == AF_INET6 || family == AF_UNIX;
  if (fits && option(SO_TYPE) == SOCK_STREAM && option(SO_ACCEPTCONN) == 1) return family;
  return cannot_listen("the inherited descriptor " + std::to_string(socket.get()),
                       "it is no listening stream socket of TCP or Unix");
}

/// "" for one without a path.
std::string bound_path(const Fd& socket) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
  if (size <= offsetof(sockaddr_un, sun_path)) return "";
  return {address.sun_path, ::strnlen(address.sun_path, size - offsetof(sockaddr_un, sun_path))};
}

Result<std::string> bound_address(const Fd& socket) {
  asio::ip::tcp::endpoint endpoint;
  socklen_t size = static_cast<socklen_t>(endpoint.capacity());
  if (::getsockname(socket.get(), endpoint.data(), &size) != 0) return errno_error("ask for a socket's address", errno);
  endpoint.resize(size);
  return to_text(endpoint);
}

/// Whether a process listens there now; a path that a dead one left is no obstacle.
bool somebody_listens(const sockaddr_un& address) {
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Result<Fd> listen_on_path(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return cannot_listen(path, "the path is longer than 107 bytes");
  path.copy(address.sun_path, path.size());
  if (somebody_listens(address)) return cannot_listen(path, "another process listens there");
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode))
    return cannot_listen(path, "something that is no socket is there");
  ::unlink(path.c_str());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // The mode is set before listen(), so nobody gets in who may not.
  if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0660) != 0 || ::listen(socket.get(), kBacklog) != 0)
    return cannot_listen(path, errno_error("", errno).message.substr(2));
  return socket;
}

using TlsContext = std::shared_ptr<asio::ssl::context>;  ///< shared with a change of it that is on its way

Result<TlsContext> load_tls(const auth::TlsFiles& files) {
  auto made = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  asio::ssl::context& context = *made;
  ErrorCode failure;
  context.use_certificate_chain_file(files.certificate, failure);
  if (!failure) context.use_private_key_file(files.key, asio::ssl::context::pem, failure);
  if (failure)
    return Error{Code::kFailedPrecondition, "load " + files.certificate + ": " + failure.message(), "api.tls"};
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.native_handle(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_cipher_list(context.native_handle(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  return made;
}

void set_tcp_options(Socket& socket) {
  const int on = 1, idle_s = 60;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
}

std::string peer_address(const Socket& socket) {
  ErrorCode failure;
  const auto remote = socket.remote_endpoint(failure);
  asio::ip::tcp::endpoint endpoint;
  if (failure || remote.size() > endpoint.capacity()) return "unknown";
  endpoint.resize(remote.size());
  std::memcpy(endpoint.data(), remote.data(), remote.size());
  return endpoint.address().to_string();
}

}  // namespace

class Server::Impl {
 public:
  Impl(Options options, Application& application, WorkerPool& pool)
      : options_(std::move(options)), shared_(std::make_shared<Shared>(options_.limits, application, pool)) {}

  ~Impl() {
    stop(0);
    for (auto& thread : threads_) thread.context.stop();
    for (auto& thread : threads_) {
      if (thread.worker.joinable()) thread.worker.join();
    }
    // After the threads, which post to it, and before their contexts, to which its work posts.
    shared_->lane.reset();
    if (owns_unix_socket_) ::unlink(unix_socket_.c_str());
  }

  Status listen(std::vector<Fd> inherited) {
    TRY_STATUS(listen_on_inherited(std::move(inherited)));
    if (addresses_.empty()) TRY_STATUS(listen_on_addresses());
    if (!addresses_.empty()) tls_ = TRY(load_tls(options_.tls));
    if (!unix_socket_.empty() || options_.unix_socket.empty()) return {};
    auto socket = TRY(listen_on_path(options_.unix_socket));
    add_acceptor(AF_UNIX, std::move(socket));
    unix_socket_ = options_.unix_socket;
    owns_unix_socket_ = true;
    return {};
  }

  void start() {
    for (auto& thread : threads_) {
      thread.worker = std::thread([&thread] {
        pthread_setname_np(pthread_self(), "nc-api");
        thread.context.run();
      });
    }
    for (auto& acceptor : acceptors_) asio::co_spawn(threads_[0].context, accept_from(acceptor), asio::detached);
  }

  void stop(uint64_t deadline_ms) {
    shared_->draining = true;
    asio::post(threads_[0].context, [this] {
      ErrorCode ignored;
      for (auto& acceptor : acceptors_) acceptor.close(ignored);
    });
    for (const auto& session : shared_->sessions()) session->drain();
    if (shared_->wait_until_empty(deadline_ms) || !threads_[0].worker.joinable()) return;
    for (const auto& session : shared_->sessions()) session->kill();
    shared_->wait_until_empty(deadline_ms == 0 ? 0 : kKillMs);
  }

  const std::vector<std::string>& addresses() const { return addresses_; }
  const std::string& unix_socket() const { return unix_socket_; }
  void set_max_connections(size_t connections) { max_connections_ = connections; }

  /// Connections are made on the first thread, so the context changes there.
  Status use_certificate(const auth::TlsFiles& files) {
    if (addresses_.empty()) return {};
    TlsContext context = TRY(load_tls(files));
    asio::post(threads_[0].context, [this, context = std::move(context)] { tls_ = context; });
    return {};
  }
  size_t connections() const { return shared_->count(); }
  Stats stats() const {
    return {shared_->count(), shared_->feeds, shared_->lane->queued(), shared_->refused_connections};
  }

 private:
  struct IoThread {
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
    std::thread worker;
  };

  Status listen_on_inherited(std::vector<Fd> inherited) {
    for (Fd& socket : inherited) {
      const int family = TRY(listening_family(socket));
      if (family == AF_UNIX)
        unix_socket_ = bound_path(socket);
      else
        addresses_.push_back(TRY(bound_address(socket)));
      add_acceptor(family, std::move(socket));
    }
    return {};
  }

  Status listen_on_addresses() {
    for (const auto& text : options_.listen) {
      const auto endpoint = TRY(parse_address(text));
      auto socket = TRY(listen_on(endpoint));
      addresses_.push_back(TRY(bound_address(socket)));
      add_acceptor(endpoint.protocol().family(), std::move(socket));
    }
    return {};
  }

  void add_acceptor(int family, Fd socket) {
    acceptors_.emplace_back(threads_[0].context, asio::generic::stream_protocol(family, SOCK_STREAM), socket.release());
  }

  /// The connection on another thread. It is accepted on the acceptor's own, since an accept under way must not hold
  /// anything of a context that may end before it. Not open: the connection is gone already.
  static Socket moved_to(asio::io_context& context, Socket accepted) {
    Socket moved(context);
    ErrorCode failure;
    const auto protocol = accepted.local_endpoint(failure).protocol();
    if (failure) return moved;
    Fd fd(accepted.release(failure));
    if (!failure) moved.assign(protocol, fd.get(), failure);
    if (!failure) (void)fd.release();
    return moved;
  }

  awaitable<void> accept_from(Acceptor& acceptor) {
    while (acceptor.is_open()) {
      auto [failure, accepted] = co_await acceptor.async_accept(kAwait);
      if (!failure) {
        next_ = (next_ + 1) % kThreads;
        take(moved_to(threads_[next_].context, std::move(accepted)));
      } else if (failure != asio::error::operation_aborted) {
        log_warn("api", "cannot accept a connection", {{"error", failure.message()}});
        asio::steady_timer pause(threads_[0].context, std::chrono::milliseconds(kNoDescriptorsMs));
        co_await pause.async_wait(kAwait);
      }
    }
  }

  void take(Socket socket) {
    const size_t count = shared_->count();
    const size_t most = max_connections_;
    if (count >= most) ++shared_->refused_connections;
    if (count >= most + options_.limits.refusals) return;
    if (!socket.is_open()) return;
    ErrorCode failure;
    const bool is_local = socket.local_endpoint(failure).protocol().family() == AF_UNIX;
    auth::Peer peer;
    if (is_local) {
      auto uid = auth::peer_uid(socket.native_handle());
      if (!uid.ok()) return;
      peer = {"unix:" + std::to_string(*uid), *uid};
    } else {
      set_tcp_options(socket);
      peer.address = peer_address(socket);
    }
    const auto executor = socket.get_executor();
    auto session =
        std::make_shared<Session>(std::move(socket), is_local ? nullptr : tls_.get(), std::move(peer), shared_);
    shared_->add(session);
    asio::co_spawn(executor, serve(session, count >= most), asio::detached);
  }

  const Options options_;
  std::atomic<size_t> max_connections_ = options_.limits.connections;
  const std::shared_ptr<Shared> shared_;  ///< also of sessions, which end on their own threads
  TlsContext tls_;                        ///< of new connections; on the first thread once that runs
  std::array<IoThread, kThreads> threads_;
  std::vector<Acceptor> acceptors_;
  std::vector<std::string> addresses_;
  std::string unix_socket_;
  bool owns_unix_socket_ = false;
  size_t next_ = 0;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::create(Options options, Application& application, WorkerPool& pool,
                                               std::vector<Fd> inherited) {
  auto impl = std::make_unique<Impl>(std::move(options), application, pool);
  TRY_STATUS(impl->listen(std::move(inherited)));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::start() {
  impl_->start();
}
void Server::stop(uint64_t deadline_ms) {
  impl_->stop(deadline_ms);
}
const std::vector<std::string>& Server::addresses() const {
  return impl_->addresses();
}
const std::string& Server::unix_socket() const {
  return impl_->unix_socket();
}
void Server::set_max_connections(size_t connections) {
  impl_->set_max_connections(connections);
}
Status Server::use_certificate(const auth::TlsFiles& files) {
  return impl_->use_certificate(files);
}
size_t Server::connections() const {
  return impl_->connections();
}
Server::Stats Server::stats() const {
  return impl_->stats();
}

}  // namespace novacron::host::api
