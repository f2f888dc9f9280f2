#include "host/cli/transport.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <chrono>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>

namespace novacron::host::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
namespace ssl = asio::ssl;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;
using TlsStream = ssl::stream<Socket>;
using TimePoint = std::chrono::steady_clock::time_point;

constexpr size_t kMaxHeaderBytes = 64 * 1024;
constexpr size_t kChunkBytes = 64 * 1024;
constexpr size_t kMaxQueuedInput = 64;  // chunks of input that wait to be sent

TimePoint after_ms(uint64_t ms) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
}

Error timeout_error(const std::string& what) {
  return {Code::kDeadlineExceeded, what + " took too long", "cli.timeout"};
}

struct Response {
  HttpResponse value;
  bool keep_alive = false;
};

#include "host/cli/connection.ipp"
#include "host/cli/terminal_pump.ipp"

class BeastTransport final : public Transport {
 public:
  BeastTransport(Endpoint endpoint, TlsOptions tls) : endpoint_(std::move(endpoint)), tls_(std::move(tls)) {}

  Result<HttpResponse> send(const HttpRequest& request) override {
    return endpoint_.kind == Endpoint::Kind::kTls ? send_over(tls_connection_, request)
                                                  : send_over(plain_connection_, request);
  }
  Result<HttpResponse> stream_lines(const HttpRequest& request,
                                    const std::function<Flow(std::string_view)>& sink) override {
    return endpoint_.kind == Endpoint::Kind::kTls ? lines_over<TlsStream>(request, sink)
                                                  : lines_over<Socket>(request, sink);
  }
  Result<HttpResponse> terminal(const TerminalSession& session) override {
    return endpoint_.kind == Endpoint::Kind::kTls ? terminal_over<TlsStream>(session) : terminal_over<Socket>(session);
  }

 private:
  template <class Stream>
  using Pointer = std::unique_ptr<Connection<Stream>>;

  Error unreachable(const error_code& ec) const {
    if (ec == asio::error::timed_out) return timeout_error("connecting to " + endpoint_.text());
    return {Code::kUnavailable, "cannot reach " + endpoint_.text() + ": " + ec.message(), kUnreachableReason};
  }
  Error broken(const error_code& ec) const {
    if (ec == asio::error::timed_out) return timeout_error("the answer of " + endpoint_.text());
    if (ec.category() == boost::system::generic_category()) return errno_error("read the file", ec.value());
    return {Code::kUnavailable, "the connection to " + endpoint_.text() + " broke: " + ec.message(),
            kUnreachableReason};
  }

  /// A kept connection may have been closed by the host meanwhile; then the request goes over a new one, unless its
  /// answer had begun.
  template <class Stream>
  Result<HttpResponse> send_over(Pointer<Stream>& kept, const HttpRequest& request) {
    const TimePoint deadline = after_ms(request.timeout_ms);
    for (bool reused = kept != nullptr;; reused = false) {
      if (!kept) kept = TRY(connect<Stream>(request.timeout_ms));
      Response response;
      error_code ec = kept->write(request, deadline);
      if (!ec) ec = kept->read(response, deadline);
      if (!ec) {
        if (!response.keep_alive) kept.reset();
        return std::move(response.value);
      }
      kept.reset();
      const bool was_idle = ec == http::error::end_of_stream || ec == asio::error::connection_reset ||
                            ec == asio::error::broken_pipe || ec == ssl::error::stream_truncated;
      if (!reused || !was_idle) return broken(ec);
    }
  }

  template <class Stream>
  Result<HttpResponse> lines_over(const HttpRequest& request, const std::function<Flow(std::string_view)>& sink) {
    Pointer<Stream> connection = TRY(connect<Stream>(request.timeout_ms));
    Response response;
    error_code ec = connection->write(request, after_ms(request.timeout_ms));
    if (!ec) ec = connection->read_lines(response, request.timeout_ms, sink);
    if (ec) return broken(ec);
    return std::move(response.value);
  }

  template <class Stream>
  Result<HttpResponse> terminal_over(const TerminalSession& session) {
    Pointer<Stream> connection = TRY(connect<Stream>(kConnectTimeoutMs));
    websocket::stream<Stream&> socket(connection->stream());
    socket.set_option(websocket::stream_base::decorator([&session](websocket::request_type& request) {
      request.set(http::field::user_agent, "novacron/" NOVACRON_VERSION);
      for (const auto& [name, value] : session.headers) request.set(name, value);
    }));
    socket.binary(true);
    websocket::response_type upgrade;
    const error_code ec = connection->run(after_ms(kDefaultRequestTimeoutMs), [&](auto handler) {
      socket.async_handshake(upgrade, endpoint_.authority(), session.target, std::move(handler));
    });
    HttpResponse response{upgrade.result_int(), copy_headers(upgrade), upgrade.body()};
    if (ec == websocket::error::upgrade_declined) return response;
    if (ec) return broken(ec);
    TerminalPump<Stream> pump(runner_.context(), socket, session);
    TRY_STATUS(pump.run(session.timeout_ms == 0 ? TimePoint::max() : after_ms(session.timeout_ms)));
    response.status = 101;
    return response;
  }

  template <class Stream>
  Result<Pointer<Stream>> connect(uint64_t timeout_ms) {
    const TimePoint deadline = after_ms(std::min(kConnectTimeoutMs, timeout_ms));
    Socket socket = TRY(open_socket(deadline));
    if constexpr (std::is_same_v<Stream, Socket>) {
      return std::make_unique<Connection<Stream>>(runner_, endpoint_, std::move(socket));
    } else {
      TRY_STATUS(prepare_tls());
      auto connection =
          std::make_unique<Connection<Stream>>(runner_, endpoint_, TlsStream(std::move(socket), *context_));
      TRY_STATUS(handshake(*connection, deadline));
      return connection;
    }
  }

  Result<Socket> open_socket(TimePoint deadline) {
    std::vector<asio::generic::stream_protocol::endpoint> targets;
    if (endpoint_.kind == Endpoint::Kind::kUnix) {
      if (endpoint_.socket_path.size() > 107) {
        return Error{Code::kInvalidArgument, "the path of a Unix socket has at most 107 bytes", "cli.usage"};
      }
      targets.emplace_back(asio::local::stream_protocol::endpoint(endpoint_.socket_path));
    } else {
      targets = TRY(resolve(deadline));
    }
    error_code ec = asio::error::host_not_found;
    for (const auto& target : targets) {
      Socket socket(runner_.context());
      ec = runner_.run(
          deadline, [&](auto handler) { socket.async_connect(target, std::move(handler)); },
          [&] {
            error_code ignored;
            socket.close(ignored);
          });
      if (!ec) return socket;
    }
    return unreachable(ec);
  }

  Result<std::vector<asio::generic::stream_protocol::endpoint>> resolve(TimePoint deadline) {
    asio::ip::tcp::resolver resolver(runner_.context());
    asio::ip::tcp::resolver::results_type results;
    const error_code ec = runner_.run(
        deadline,
        [&](auto handler) {
          resolver.async_resolve(
              endpoint_.host, std::to_string(endpoint_.port),
              [&results, handler](error_code e, asio::ip::tcp::resolver::results_type found) mutable {
                results = std::move(found);
                handler(e);
              });
        },
        [&] { resolver.cancel(); });
    if (ec) return unreachable(ec);
    std::vector<asio::generic::stream_protocol::endpoint> targets;
    for (const auto& entry : results) targets.emplace_back(entry.endpoint());
    return targets;
  }

  Status prepare_tls() {
    if (context_) return {};
    auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
    error_code ec;
    context->set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1, ec);
    if (!ec && tls_.ca_pem.empty()) context->set_default_verify_paths(ec);
    if (!ec && !tls_.ca_pem.empty()) context->add_certificate_authority(asio::buffer(tls_.ca_pem), ec);
    if (!ec) context->set_verify_mode(ssl::verify_peer, ec);
    if (ec)
      return Error{Code::kInvalidArgument, "the CA certificate cannot be used: " + ec.message(), kCertificateReason};
    context_ = std::move(context);
    return {};
  }

  Status handshake(Connection<TlsStream>& connection, TimePoint deadline) {
    error_code ec;
    connection.stream().set_verify_callback(ssl::host_name_verification(endpoint_.host), ec);
    error_code is_no_address;
    asio::ip::make_address(endpoint_.host, is_no_address);
    if (is_no_address) SSL_set_tlsext_host_name(connection.stream().native_handle(), endpoint_.host.c_str());
    if (!ec) {
      ec = connection.run(deadline, [&](auto handler) {
        connection.stream().async_handshake(ssl::stream_base::client, std::move(handler));
      });
    }
    if (!ec) return {};
    if (ec.category() != asio::error::get_ssl_category()) return unreachable(ec);
    const long verified = SSL_get_verify_result(connection.stream().native_handle());
    const std::string why = verified == X509_V_OK ? ec.message() : X509_verify_cert_error_string(verified);
    return Error{Code::kUnavailable, "the certificate of " + endpoint_.text() + " is not accepted: " + why,
                 kCertificateReason};
  }

  const Endpoint endpoint_;
  const TlsOptions tls_;
  Runner runner_;
  std::unique_ptr<ssl::context> context_;
  Pointer<Socket> plain_connection_;
  Pointer<TlsStream> tls_connection_;
};

}  // namespace

std::string HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (beast::iequals(key, name)) return value;
  }
  return "";
}

std::unique_ptr<Transport> make_transport(Endpoint endpoint, TlsOptions tls) {
  return std::make_unique<BeastTransport>(std::move(endpoint), std::move(tls));
}

}  // namespace novacron::host::cli
