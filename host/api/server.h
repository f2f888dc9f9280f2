// The API's listeners and connections: HTTP/1.1 and WebSocket over TLS and over a Unix socket.
//
// Two threads carry all connections and never wait for anything but the network; what an Application does runs on a
// worker pool's threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/api/http.h"
#include "host/auth/certificates.h"
#include "host/base/fd.h"
#include "host/base/worker_pool.h"

namespace novacron::host::api {

/// Each is a limit with an error of its own; tests lower them.
struct Limits {
  size_t connections = 4'000;               ///< more: 503 "api.connections"
  size_t refusals = 64;                     ///< beyond `connections`, that still get their 503; more are just closed
  size_t body_bytes = 1024 * 1024;          ///< 413 "http.body-too-large"; not of a streamed body
  size_t header_bytes = 16 * 1024;          ///< 431 "http.headers-too-large"
  size_t feeds = 2'000;                     ///< watches, event streams and streams of plugins: 503 "api.watchers"
  size_t uploads = 32;                      ///< bodies that go to plugins as streams: 503 "api.uploads"
  size_t running_requests = 64;             ///< on worker threads
  size_t queued_requests = 1'024;           ///< that wait for one: 503 "host.queue-full"
  uint64_t handshake_ms = 10'000;           ///< of TLS: closed
  uint64_t header_ms = 10'000;              ///< from the first byte of a request to its last header: 408 "http.timeout"
  uint64_t body_ms = 30'000;                ///< of a whole body, or of each piece of a streamed one: 408 "http.timeout"
  uint64_t idle_ms = 75'000;                ///< between requests: closed
  uint64_t write_ms = 30'000;               ///< without a byte taken by the client: closed
  uint64_t ping_ms = 60'000;                ///< a WebSocket without a sign of life: closed
  uint64_t linger_ms = 5'000;               ///< of a WebSocket that ends, for what its client still says: then closed
  size_t websocket_message_bytes = 65'536;  ///< from the client: closed with 1009
};

/// [any] thread unless said otherwise.
class Server {
 public:
  struct Options {
    std::vector<std::string> listen;  ///< "127.0.0.1:8443", "[::]:0"; port 0: any free one
    auth::TlsFiles tls;               ///< for those
    std::string unix_socket;          ///< path of the local administrator's socket, mode 0660; empty: none
    Limits limits;
  };
  /// Listens, but serves nothing before start(). UNAVAILABLE "api.listen" for an address that cannot be had, or an
  /// inherited descriptor that is no listening stream socket.
  /// `application` and `pool` outlive the server. `inherited` are listening sockets that somebody else made: with such
  /// of TCP, Options::listen is not used; with a Unix one, Options::unix_socket is not, and its path stays in the end.
  static Result<std::unique_ptr<Server>> create(Options options, Application& application, WorkerPool& pool,
                                                std::vector<Fd> inherited = {});
  /// Ends what is still there at once.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void start();
  /// Takes no new connection, ends idle ones and feeds, lets requests under way finish, and after `deadline_ms` ends
  /// those too. Blocks until all are gone.
  void stop(uint64_t deadline_ms);

  /// "127.0.0.1:40123", in the order of `listen`, with the ports that were really taken.
  const std::vector<std::string>& addresses() const;
  /// The path of the local administrator's socket; empty: none.
  const std::string& unix_socket() const;
  size_t connections() const;
  /// Limits::connections from now on; those that are there stay.
  void set_max_connections(size_t connections);
  /// The certificate of connections from now on. FAILED_PRECONDITION "api.tls" for files that do not fit; then the one
  /// before stays.
  Status use_certificate(const auth::TlsFiles& files);
  struct Stats {
    size_t connections = 0;
    size_t feeds = 0;            ///< watches and event streams
    size_t queued_requests = 0;  ///< that wait for a worker
    uint64_t refused_connections = 0;
  };
  Stats stats() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace novacron::host::api
