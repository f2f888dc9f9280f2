#include "host/trace/http_transport.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <charconv>
#include <chrono>
#include <ctime>
#include <optional>

#include "host/trace/endpoint.h"

namespace novacron::host::trace {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using asio::awaitable;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTimeout{10'000};
constexpr std::chrono::milliseconds kHurriedTimeout{2'000};
constexpr std::chrono::milliseconds kLookAgain{50};  ///< whether there is a hurry
constexpr uint32_t kMaxHeaderBytes = 16 * 1024;
constexpr uint64_t kMaxAnswerBytes = 64 * 1024;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

using HttpRequest = http::request<http::string_body>;

template <class Stream>
awaitable<Reply> exchange(Stream& stream, const HttpRequest& request) {
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer(kMaxHeaderBytes + kMaxAnswerBytes);
  http::response_parser<http::string_body> parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(kMaxAnswerBytes);
  co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
  Reply reply;
  reply.status = parser.get().result_int();
  reply.why = "the collector answered " + std::to_string(reply.status);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_ns = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  const auto retry_after = parser.get()[http::field::retry_after];
  reply.retry_after_ns = parse_retry_after({retry_after.data(), retry_after.size()}, now_ns);
  reply.body = std::move(parser.get().body());
  co_return reply;
}

class HttpTransport final : public Transport {
 public:
  HttpTransport(Endpoint endpoint, HttpOptions options, std::optional<ssl::context> tls)
      : endpoint_(std::move(endpoint)), options_(std::move(options)), tls_(std::move(tls)) {}

  Reply post(const std::string& body) override {
    asio::io_context io{1};
    std::optional<Reply> reply;
    const HttpRequest request = request_of(body);
    asio::co_spawn(io, send(request), [&reply](std::exception_ptr thrown, Reply got) {
      reply = thrown ? failure(thrown) : std::move(got);
    });
    const auto begun = steady_clock::now();
    while (!reply && steady_clock::now() < std::min(begun + kTimeout, give_up_.load())) io.run_for(kLookAgain);
    return reply ? *std::move(reply) : Reply{.why = "no answer in time"};
  }

  void hurry() override { give_up_ = steady_clock::now() + kHurriedTimeout; }

 private:
  HttpRequest request_of(const std::string& body) const {
    HttpRequest request{http::verb::post, endpoint_.target, 11};
    request.set(http::field::host, endpoint_.authority());
    request.set(http::field::user_agent, "novacron");
    request.set(http::field::content_type, "application/json");
    for (const auto& [name, value] : options_.headers) request.set(name, value);
    request.body() = body;
    request.keep_alive(false);
    request.prepare_payload();
    return request;
  }

  awaitable<Reply> send(const HttpRequest& request) {
    const auto executor = co_await asio::this_coro::executor;
    asio::ip::tcp::resolver resolver(executor);
    const auto places = co_await resolver.async_resolve(endpoint_.host, endpoint_.port, asio::use_awaitable);
    beast::tcp_stream plain(executor);
    co_await plain.async_connect(places, asio::use_awaitable);
    if (!tls_) co_return co_await exchange(plain, request);
    TlsStream stream(std::move(plain), *tls_);
    SSL_set_tlsext_host_name(stream.native_handle(), endpoint_.host.c_str());
    stream.set_verify_callback(ssl::host_name_verification(endpoint_.host));
    co_await stream.async_handshake(ssl::stream_base::client, asio::use_awaitable);
    co_return co_await exchange(stream, request);
  }

  static Reply failure(const std::exception_ptr& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      return {.why = error.what()};
    }
  }

  const Endpoint endpoint_;
  const HttpOptions options_;
  std::optional<ssl::context> tls_;
  std::atomic<steady_clock::time_point> give_up_{steady_clock::time_point::max()};
};

Result<ssl::context> make_tls(const std::string& ca_file) {
  ssl::context tls(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
  tls.set_verify_mode(ssl::verify_peer);
  boost::system::error_code failure;
  if (ca_file.empty())
    tls.set_default_verify_paths(failure);
  else
    tls.load_verify_file(ca_file, failure);
  if (!failure) return tls;
  return Error{Code::kInvalidArgument, "the authorities in " + ca_file + " cannot be read: " + failure.message(),
               "trace.ca"};
}

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<uint64_t> parse_date_s(std::string_view value) {
  std::tm date{};
  const std::string text(value);
  const char* const end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const time_t seconds = ::timegm(&date);
  if (seconds < 0) return std::nullopt;
  return static_cast<uint64_t>(seconds);
}

}  // namespace

uint64_t parse_retry_after(std::string_view value, uint64_t real_now_ns) {
  uint32_t seconds = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (failure == std::errc() && end == value.data() + value.size()) return seconds * kNsPerSecond;
  const auto date_s = parse_date_s(value);
  const uint64_t now_s = real_now_ns / kNsPerSecond;
  return date_s && *date_s > now_s && *date_s - now_s < UINT32_MAX ? (*date_s - now_s) * kNsPerSecond : 0;
}

Result<std::unique_ptr<Transport>> make_http_transport(HttpOptions options) {
  auto endpoint = TRY(parse_endpoint(options.endpoint));
  for (const auto& [name, value] : options.headers) TRY_STATUS(check_header(name, value));
  std::optional<ssl::context> tls;
  if (endpoint.tls) tls = TRY(make_tls(options.ca_file));
  return std::unique_ptr<Transport>(
      std::make_unique<HttpTransport>(std::move(endpoint), std::move(options), std::move(tls)));
}

}  // namespace novacron::host::trace
