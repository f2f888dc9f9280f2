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

/// Runs one asynchronous operation at a time until it ends or its deadline comes.
class Runner {
 public:
  asio::io_context& context() { return context_; }

  /// `start` takes a completion handler; `cancel` makes the operation end.
  template <class Start, class Cancel>
  error_code run(TimePoint deadline, Start start, Cancel cancel) {
    std::optional<error_code> done;
    start([&done](error_code ec, auto&&...) { done = ec; });
    context_.restart();
    while (!done && std::chrono::steady_clock::now() < deadline) {
      if (context_.run_one_until(deadline) == 0 && context_.stopped()) context_.restart();
    }
    if (done) return *done;
    cancel();
    while (!done && context_.run_one() > 0) {
    }
    return asio::error::timed_out;
  }

 private:
  asio::io_context context_{1};
};

Headers copy_headers(const http::fields& fields) {
  Headers headers;
  for (const auto& field : fields) headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  return headers;
}

template <class Body>
void fill_head(http::request<Body>& message, const Endpoint& endpoint, const HttpRequest& request) {
  message.method_string(request.method);
  message.target(request.target);
  message.version(11);
  message.set(http::field::host, endpoint.authority());
  message.set(http::field::user_agent, "novacron/" NOVACRON_VERSION);
  message.keep_alive(true);
  for (const auto& [name, value] : request.headers) message.set(name, value);
}

/// One connection; Stream is Socket or TlsStream.
template <class Stream>
class Connection {
 public:
  Connection(Runner& runner, const Endpoint& endpoint, Stream stream)
      : runner_(runner), endpoint_(endpoint), stream_(std::move(stream)) {}

  Stream& stream() { return stream_; }
  Socket& socket() {
    if constexpr (std::is_same_v<Stream, Socket>) {
      return stream_;
    } else {
      return stream_.next_layer();
    }
  }

  template <class Start>
  error_code run(TimePoint deadline, Start start) {
    return runner_.run(deadline, start, [this] { close(); });
  }
  void close() {
    error_code ignored;
    socket().close(ignored);
  }

  error_code write(const HttpRequest& request, TimePoint deadline) {
    if (request.body_file.empty()) {
      http::request<http::string_body> message;
      fill_head(message, endpoint_, request);
      message.body() = request.body;
      message.prepare_payload();
      if (request.body.empty() && request.method == "POST") message.content_length(0);
      return write_message(message, deadline);
    }
    http::request<http::file_body> message;
    fill_head(message, endpoint_, request);
    error_code opened;
    message.body().open(request.body_file.c_str(), beast::file_mode::scan, opened);
    if (opened) return opened;
    message.prepare_payload();
    return write_message(message, deadline);
  }

  error_code read(Response& response, TimePoint deadline) {
    http::response_parser<http::string_body> parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(kMaxResponseBytes);
    const error_code ec =
        run(deadline, [&](auto handler) { http::async_read(stream_, buffer_, parser, std::move(handler)); });
    if (ec) return ec;
    const auto& message = parser.get();
    response.value = {message.result_int(), copy_headers(message), std::move(parser.get().body())};
    response.keep_alive = parser.get().keep_alive();
    return {};
  }

  error_code read_lines(Response& response, uint64_t idle_ms, const std::function<Flow(std::string_view)>& sink) {
    http::response_parser<http::buffer_body> parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(boost::none);
    error_code ec = run(after_ms(idle_ms),
                        [&](auto handler) { http::async_read_header(stream_, buffer_, parser, std::move(handler)); });
    if (ec) return ec;
    response.value = {parser.get().result_int(), copy_headers(parser.get()), {}};
    const bool success = response.value.status / 100 == 2;
    std::string chunk(kChunkBytes, '\0');
    std::string& pending = response.value.body;
    while (!parser.is_done()) {
      parser.get().body() = {chunk.data(), chunk.size(), true};
      ec = run(after_ms(idle_ms),
               [&](auto handler) { http::async_read_some(stream_, buffer_, parser, std::move(handler)); });
      if (ec && ec != http::error::need_buffer) return ec;
      pending.append(chunk.data(), chunk.size() - parser.get().body().size);
      if (pending.size() > kMaxLineBytes) return http::error::body_limit;
      if (success && give_lines(pending, sink) == Flow::kStop) return {};
    }
    if (success && !pending.empty()) sink(pending);
    return {};
  }

 private:
  template <class Message>
  error_code write_message(Message& message, TimePoint deadline) {
    return run(deadline, [&](auto handler) { http::async_write(stream_, message, std::move(handler)); });
  }

  static Flow give_lines(std::string& pending, const std::function<Flow(std::string_view)>& sink) {
    size_t from = 0;
    for (size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', from)) {
      const std::string_view line(pending.data() + from, end - from);
      from = end + 1;
      if (!line.empty() && sink(line) == Flow::kStop) return Flow::kStop;
    }
    pending.erase(0, from);
    return Flow::kContinue;
  }

  Runner& runner_;
  const Endpoint& endpoint_;
  Stream stream_;
  beast::flat_buffer buffer_;
};

/// Bytes between a WebSocket and a terminal until either side ends it.
template <class Stream>
class TerminalPump {
 public:
  TerminalPump(asio::io_context& context, websocket::stream<Stream&>& socket, const TerminalSession& session)
      : context_(context), socket_(socket), session_(session), input_(context) {}
  ~TerminalPump() {
    if (input_.is_open()) (void)input_.release();
  }

  Status run(TimePoint deadline) {
    if (session_.input_fd >= 0) {
      input_.assign(session_.input_fd);
      wait_for_input();
    }
    read();
    context_.restart();
    while (!finished_ && std::chrono::steady_clock::now() < deadline) context_.run_one_until(deadline);
    const bool late = !finished_;
    end();
    while (context_.run_one() > 0) {
    }
    if (error_) return *std::move(error_);
    if (late) return timeout_error("the session");
    return {};
  }

 private:
  void end() {
    if (ended_) return;
    ended_ = true;
    finished_ = true;
    error_code ignored;
    if (input_.is_open()) input_.cancel(ignored);
    beast::get_lowest_layer(socket_).close(ignored);
  }
  void fail(const std::string& message) {
    if (!finished_) error_ = Error{Code::kUnavailable, message, kUnreachableReason};
    end();
  }

  void read() {
    socket_.async_read(buffer_, [this](error_code ec, size_t) {
      if (finished_) return;
      if (ec == websocket::error::closed) return closed();
      if (ec) return fail("the session broke: " + ec.message());
      const auto data = buffer_.cdata();
      const Flow flow = session_.on_output({static_cast<const char*>(data.data()), data.size()});
      buffer_.consume(buffer_.size());
      if (flow == Flow::kStop) return end();
      read();
    });
  }
  void closed() {
    const auto& reason = socket_.reason();
    const bool normal = reason.code == websocket::close_code::normal || reason.code == websocket::close_code::none ||
                        reason.code == websocket::close_code::going_away;
    if (normal) return end();
    fail(reason.reason.empty() ? "the host ended the session" : std::string(reason.reason.c_str()));
  }

  /// Waits and then reads plainly: a terminal is shared with the shell and must not become non-blocking.
  void wait_for_input() {
    if (queue_.size() >= kMaxQueuedInput) {
      input_paused_ = true;
      return;
    }
    input_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code ec) {
      if (ec || finished_) return;
      std::string chunk(4096, '\0');
      const ssize_t got = ::read(session_.input_fd, chunk.data(), chunk.size());
      if (got <= 0) return;
      chunk.resize(static_cast<size_t>(got));
      const Flow flow = session_.on_input(chunk);
      if (!chunk.empty()) send(std::move(chunk));
      if (flow == Flow::kStop) return end();
      wait_for_input();
    });
  }
  void send(std::string chunk) {
    queue_.push_back(std::move(chunk));
    if (queue_.size() == 1) write();
  }
  void write() {
    socket_.async_write(asio::buffer(queue_.front()), [this](error_code ec, size_t) {
      if (finished_) return;
      if (ec) return fail("the session broke: " + ec.message());
      queue_.pop_front();
      if (!queue_.empty()) write();
      if (std::exchange(input_paused_, false)) wait_for_input();
    });
  }

  asio::io_context& context_;
  websocket::stream<Stream&>& socket_;
  const TerminalSession& session_;
  asio::posix::stream_descriptor input_;
  beast::flat_buffer buffer_;
  std::deque<std::string> queue_;
  std::optional<Error> error_;
  bool input_paused_ = false;
  bool finished_ = false;
  bool ended_ = false;
};

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
      if (!kept) kept = TRY(connect<Stream>());
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
    Pointer<Stream> connection = TRY(connect<Stream>());
    Response response;
    error_code ec = connection->write(request, after_ms(request.timeout_ms));
    if (!ec) ec = connection->read_lines(response, request.timeout_ms, sink);
    if (ec) return broken(ec);
    return std::move(response.value);
  }

  template <class Stream>
  Result<HttpResponse> terminal_over(const TerminalSession& session) {
    Pointer<Stream> connection = TRY(connect<Stream>());
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
  Result<Pointer<Stream>> connect() {
    const TimePoint deadline = after_ms(kConnectTimeoutMs);
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
