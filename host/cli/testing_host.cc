#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <list>
#include <thread>

#include "host/cli/testing.h"

namespace novacron::host::cli::testing {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
namespace ssl = asio::ssl;
using boost::system::error_code;
using HttpRequestMessage = http::request<http::string_body>;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

FakeRequest plain(const HttpRequestMessage& message) {
  FakeRequest request{std::string(message.method_string()),
                      std::string(message.target()),
                      {},
                      message.body(),
                      websocket::is_upgrade(message)};
  for (const auto& field : message) request.headers[lower(field.name_string())] = std::string(field.value());
  return request;
}

template <class Stream>
void wait_for_end(Stream& stream) {
  char byte = 0;
  error_code ec;
  stream.read_some(asio::buffer(&byte, 1), ec);
}

/// False: the connection is done with.
template <class Stream>
bool send_chunks(Stream& stream, const FakeResponse& response) {
  http::response<http::empty_body> head(static_cast<http::status>(response.status), 11);
  head.chunked(true);
  http::response_serializer<http::empty_body> serializer(head);
  error_code ec;
  http::write_header(stream, serializer, ec);
  for (const std::string& chunk : response.chunks) {
    asio::write(stream, http::make_chunk(asio::const_buffer(chunk.data(), chunk.size())), ec);
  }
  if (response.stays_open) {
    wait_for_end(stream);
    return false;
  }
  asio::write(stream, http::make_chunk_last(), ec);
  return !ec;
}

template <class Stream>
void serve_websocket(Stream& stream, const HttpRequestMessage& message, const FakeResponse& response) {
  websocket::stream<Stream&> socket(stream);
  error_code ec;
  socket.accept(message, ec);
  socket.binary(true);
  for (const std::string& text : response.messages) socket.write(asio::buffer(text), ec);
  if (!response.stays_open) socket.close(websocket::close_code::normal, ec);
  beast::flat_buffer rest;
  while (!ec) socket.read(rest, ec);
}

template <class Stream>
void serve(Stream& stream, const std::function<FakeResponse(const FakeRequest&)>& handle) {
  beast::flat_buffer buffer;
  while (true) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(64u << 20);
    error_code ec;
    http::read(stream, buffer, parser, ec);
    if (ec) return;
    const FakeResponse response = handle(plain(parser.get()));
    if (response.drops) return;
    if (websocket::is_upgrade(parser.get()) && response.status / 100 == 2) {
      return serve_websocket(stream, parser.get(), response);
    }
    if (!response.chunks.empty() || response.stays_open) {
      if (!send_chunks(stream, response)) return;
      continue;
    }
    http::response<http::string_body> message(static_cast<http::status>(response.status), 11);
    for (const auto& [name, value] : response.headers) message.set(name, value);
    message.body() = response.body;
    message.keep_alive(parser.get().keep_alive());
    message.prepare_payload();
    http::write(stream, message, ec);
    if (ec) return;
  }
}

}  // namespace

class FakeHost::Impl {
 public:
  explicit Impl(Handler handler) : handler_(std::move(handler)) {}

  std::string listen_unix() {
    const std::string path = folder_.path + "/api.sock";
    unix_.emplace(context_, asio::local::stream_protocol::endpoint(path));
    acceptor_ = std::thread([this] { accept_unix(); });
    return "unix://" + path;
  }

  std::string listen_tls(const std::string& certificate, const std::string& key) {
    tls_.use_certificate_chain_file(certificate);
    tls_.use_private_key_file(key, ssl::context::pem);
    tcp_.emplace(context_, asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    acceptor_ = std::thread([this] { accept_tls(); });
    return "https://127.0.0.1:" + std::to_string(tcp_->local_endpoint().port());
  }

  ~Impl() {
    ::shutdown(unix_ ? unix_->native_handle() : tcp_->native_handle(), SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
  }

  FakeResponse handle(const FakeRequest& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    return handler_(request);
  }
  std::vector<FakeRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  template <class Socket, class Serve>
  void start(Socket socket, Serve serve_socket) {
    const std::lock_guard lock(mutex_);
    open_.push_back(socket.native_handle());
    threads_.emplace_back([this, serve_socket, kept = std::make_shared<Socket>(std::move(socket))] {
      serve_socket(*kept);
      const std::lock_guard closing(mutex_);
      open_.remove(kept->native_handle());
      error_code ignored;
      kept->close(ignored);
    });
  }
  void accept_unix() {
    while (true) {
      asio::local::stream_protocol::socket socket(context_);
      error_code ec;
      unix_->accept(socket, ec);
      if (ec) return;
      start(std::move(socket),
            [this](auto& kept) { serve(kept, [this](const FakeRequest& request) { return handle(request); }); });
    }
  }
  void accept_tls() {
    while (true) {
      asio::ip::tcp::socket socket(context_);
      error_code ec;
      tcp_->accept(socket, ec);
      if (ec) return;
      start(std::move(socket), [this](auto& kept) {
        ssl::stream<asio::ip::tcp::socket&> stream(kept, tls_);
        error_code failed;
        stream.handshake(ssl::stream_base::server, failed);
        if (!failed) serve(stream, [this](const FakeRequest& request) { return handle(request); });
      });
    }
  }

  const Handler handler_;
  Folder folder_;
  asio::io_context context_;
  ssl::context tls_{ssl::context::tls_server};
  std::optional<asio::local::stream_protocol::acceptor> unix_;
  std::optional<asio::ip::tcp::acceptor> tcp_;
  mutable std::mutex mutex_;
  std::list<int> open_;
  std::list<std::thread> threads_;
  std::vector<FakeRequest> requests_;
  std::thread acceptor_;
};

FakeHost::FakeHost(Handler handler) : impl_(std::make_unique<Impl>(std::move(handler))) {
  url_ = impl_->listen_unix();
}

FakeHost::FakeHost(Handler handler, const std::string& certificate, const std::string& key)
    : impl_(std::make_unique<Impl>(std::move(handler))) {
  url_ = impl_->listen_tls(certificate, key);
}

FakeHost::~FakeHost() = default;

std::vector<FakeRequest> FakeHost::requests() const {
  return impl_->requests();
}

std::vector<std::string> FakeHost::lines() const {
  std::vector<std::string> lines;
  for (const FakeRequest& request : requests()) lines.push_back(request.method + " " + request.target);
  return lines;
}

}  // namespace novacron::host::cli::testing
